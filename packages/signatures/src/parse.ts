// First stage of verification: the form of the signatures in a message. Needs no key, no clock
// and no knowledge of the client, so that everything expensive can wait until the form is known
// to be right.

import type { Dialect } from './dialect.ts';
import { maxComponents } from './limits.ts';
import {
  fieldValue,
  type ReadMessage,
  readMessage,
  refuseRepeatedHeaders,
  type SignedMessage,
} from './message.ts';
import { isMember } from './proxy-forms.ts';
import { recogniseDialect } from './recognise.ts';
import { outcome, SignatureError } from './signature-error.ts';
import {
  type ListedSignature,
  readSignatureBytes,
  splitMembers,
  unquote,
} from './signature-input.ts';

/** A signature of good form. Times are whole seconds; -01 alone knows a decimal `expires`. */
export type ParsedSignature = ListedSignature & {
  readonly label: string;
  readonly keyid: string;
  readonly created: number;
  readonly expires: number | undefined;
  readonly alg: string | undefined;
  readonly signature: Uint8Array;
};

/** A signature that can never be accepted. It is kept because another one beside it may be. */
export interface FaultySignature {
  readonly label: string;
  readonly keyid: string | undefined;
  readonly fault: SignatureError;
}

/**
 * A message and its signatures, in the order of `signature-input`; at least one is of good form.
 */
export interface ParsedSignatures {
  readonly dialect: Dialect;
  readonly message: ReadMessage;
  readonly signatures: readonly (ParsedSignature | FaultySignature)[];
}

/**
 * Reads the signatures of a message and judges their form.
 *
 * Throws a `SignatureError` if the headers are missing, cannot be parsed or do not pair up, or if
 * no signature is of good form: then with what is wrong with the first. Look up the keys by
 * `keyid` afterwards, then go on to `checkSignatures`.
 */
export function parseSignatures(signed: SignedMessage): ParsedSignatures {
  const message = readMessage(signed);
  refuseRepeatedHeaders(message);
  const inputText = requiredField(message, 'signature-input');
  const signatureText = requiredField(message, 'signature');
  const { dialect } = recogniseDialect(message, inputText);
  const inputs = splitMembers(inputText, 'syntax_signature_input');
  const members = splitMembers(signatureText, 'syntax_signature');

  const bytes = new Map([...members].map(([label, text]) => [label, readSignatureBytes(text)]));
  const listed = new Map([...inputs].map(([label, text]) => [label, dialect.input.read(text)]));
  const signatures = pair(dialect, listed, bytes).map(({ label, input, signature }) => {
    const parsed = outcome(() => judge(dialect, input));
    if (!(parsed instanceof SignatureError)) return { ...input, ...parsed, label, signature };
    return { label, keyid: keyidOf(dialect, input), fault: parsed };
  });
  if (signatures.every(isFaulty)) throw firstOf(signatures).fault;
  return { dialect, message, signatures };
}

/** Whether the form of a signature was at fault. */
export function isFaulty(
  signature: ParsedSignature | FaultySignature,
): signature is FaultySignature {
  return 'fault' in signature;
}

/** The first of a list that is known to have one. */
export function firstOf<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined) throw new TypeError('an empty list where one element is certain');
  return first;
}

function requiredField(message: ReadMessage, name: string): string {
  const value = fieldValue(message, name);
  if (value === undefined) throw new SignatureError('missing_signature_header', name);
  return value;
}

function pair(
  dialect: Dialect,
  inputs: ReadonlyMap<string, ListedSignature>,
  bytes: ReadonlyMap<string, Uint8Array>,
) {
  const pairs = [...inputs].flatMap(([label, input]) => {
    const signature = bytes.get(label);
    return signature ? [{ label, input, signature }] : [];
  });
  const unpaired = inputs.size + bytes.size - 2 * pairs.length;
  if (pairs.length === 0 || (unpaired > 0 && dialect.unpairedLabels === 'refused')) {
    throw new SignatureError('label_mismatch');
  }
  return pairs;
}

function judge(dialect: Dialect, { components, params }: ListedSignature) {
  judgeComponents(dialect, components);
  for (const [name, text] of params) {
    const form = dialect.params.get(name);
    if (form === undefined && dialect.otherParams === 'refused') {
      throw new SignatureError('param_unknown', name);
    }
    if (form?.test(text) === false) throw new SignatureError('param_invalid', name);
  }
  const keyid = keyidOf(dialect, { params });
  if (keyid === undefined) throw new SignatureError('param_missing_keyid', dialect.keyid);
  const created = params.get('created');
  if (created === undefined) throw new SignatureError('param_missing_created', 'created');
  const expires = params.get('expires');
  const alg = params.get('alg');
  return {
    keyid,
    created: Number(created),
    expires: expires === undefined ? undefined : Number(expires),
    alg: alg?.startsWith('"') ? unquote(alg) : alg,
  };
}

function keyidOf(dialect: Dialect, { params }: Pick<ListedSignature, 'params'>) {
  const text = params.get(dialect.keyid);
  return text?.startsWith('"') ? unquote(text) : undefined;
}

// A field name of RFC 9110, in lower case; `*` begins the derived components of -01.
const fieldName = /^[a-z0-9!#$%&'+.^_`|~-]+$/;

function judgeComponents(dialect: Dialect, components: readonly string[]): void {
  if (components.length > maxComponents) throw new SignatureError('too_many_components');
  const seen = new Set<string>();
  for (const name of components) {
    if (dialect.unsupported.test(name)) throw new SignatureError('component_unsupported', name);
    const isPartOfField = dialect.hasProxyForms && isMember(name);
    if (!dialect.derived.has(name) && !fieldName.test(name) && !isPartOfField) {
      throw new SignatureError('component_invalid', name);
    }
    if (seen.has(name)) throw new SignatureError('component_duplicate', name);
    seen.add(name);
  }
}
