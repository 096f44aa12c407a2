// The signature base: the text that is signed. Verifier and signer share it.

import type { Dialect } from './dialect.ts';
import { fieldValue, type ReadMessage } from './message.ts';
import { isMember, memberValue } from './proxy-forms.ts';
import { SignatureError } from './signature-error.ts';
import type { ListedSignature } from './signature-input.ts';

/**
 * The text a signature signs (RFC 9421 section 2.5): one line a component, and where the dialect
 * signs them, the list and its parameters last. ASCII, lines joined with LF, none at the end.
 * Throws `component_missing` or `component_value_illegal`.
 */
export function signatureBase(
  dialect: Dialect,
  message: ReadMessage,
  listed: Pick<ListedSignature, 'components' | 'params' | 'canonical'>,
): string {
  const lines = listed.components.map(
    (name) => `${dialect.baseName(name)}: ${componentValue(dialect, message, name, listed.params)}`,
  );
  if (dialect.signsParams) {
    lines.push(`${dialect.baseName('@signature-params')}: ${listed.canonical}`);
  }
  return lines.join('\n');
}

/** The value of one component; throws as `signatureBase` does. */
export function componentValue(
  dialect: Dialect,
  message: ReadMessage,
  name: string,
  params: ReadonlyMap<string, string>,
): string {
  const derived = dialect.derived.get(name);
  const value = derived ? derived.value(message, params) : partOrField(message, name);
  if (value === undefined) throw new SignatureError('component_missing', name);
  // A line feed would start a forged line; beyond ASCII, signers disagree on the bytes.
  if (/[^\t -~]/.test(value)) throw new SignatureError('component_value_illegal', name);
  return value;
}

function partOrField(message: ReadMessage, name: string): string | undefined {
  return isMember(name) ? memberValue(message, name) : fieldValue(message, name);
}

/** A base that may be shown: the value of `authorization` is masked. */
export function maskAuthorization(base: string): string {
  return base.replace(/^("?authorization"?: ).*$/gm, '$1***');
}
