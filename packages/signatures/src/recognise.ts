// Which dialect a message is signed in: by what it says or by its form, once, never by trying.

import { allDialects, type Dialect, type DialectVersion } from './dialect.ts';
import { fieldValue, type ReadMessage } from './message.ts';
import { SignatureError } from './signature-error.ts';
import { splitMembers, structuredInput, unquote, withoutStrings } from './signature-input.ts';

const versionHeader = 'upvest-signature-version';

// RFC 9421 section 6.2.2. An `alg` out of these means RFC 9421, not draft -15.
const registeredAlgorithms: ReadonlySet<string> = new Set([
  'rsa-pss-sha512',
  'rsa-v1_5-sha256',
  'hmac-sha256',
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'ed25519',
]);

/**
 * The dialect of a message, by its header `upvest-signature-version` or else by its form.
 *
 * Lists of tokens are -01; a digest header or no body -06; a registered `alg` of the first
 * signature RFC 9421; anything else -15. Whether header lines are there counts, not whether they
 * are covered. A client of -15 or RFC 9421 that does not name its version is therefore read as
 * -06 where there is no body. Throws `version_unknown` or `dialect_mismatch`, or what is wrong
 * with the first member.
 */
export function recogniseDialect(message: ReadMessage, signatureInput: string): Recognised {
  const version = fieldValue(message, versionHeader);
  const form = listForm(signatureInput);
  if (version !== undefined) {
    return { dialect: namedDialect(version, form), because: 'the version header names it' };
  }
  if (form === 'tokens' || (form === 'empty' && namesKeyAsDraft01(signatureInput))) {
    return {
      dialect: allDialects[1],
      because: 'the list in signature-input is not of quoted names',
    };
  }
  if (message.lines.has('digest')) {
    return { dialect: allDialects[6], because: 'there is a header digest' };
  }
  if (message.body.length === 0) return { dialect: allDialects[6], because: 'there is no body' };
  if (message.lines.has('content-digest') && hasRegisteredAlgorithm(signatureInput)) {
    return { dialect: allDialects[9421], because: 'alg is a name that RFC 9421 registers' };
  }
  return { dialect: allDialects[15], because: 'there is a body and no header digest' };
}

/** A dialect and what it was recognised by. */
export interface Recognised {
  readonly dialect: Dialect;
  readonly because: string;
}

type ListForm = Dialect['input']['elements'] | 'empty' | 'none';

function listForm(signatureInput: string): ListForm {
  const opening = /^[^="(]*=\( */.exec(signatureInput)?.[0];
  if (opening === undefined) return 'none';
  const first = signatureInput.charAt(opening.length);
  if (first === '') return 'none';
  if (first === ')') return 'empty';
  return first === '"' ? 'strings' : 'tokens';
}

function namedDialect(version: string, form: ListForm): Dialect {
  if (!Object.hasOwn(allDialects, version)) {
    throw new SignatureError('version_unknown', versionHeader);
  }
  const dialect = allDialects[version as DialectVersion];
  const opposite = dialect.input.elements === 'strings' ? 'tokens' : 'strings';
  if (form === opposite) throw new SignatureError('dialect_mismatch', versionHeader);
  return dialect;
}

function namesKeyAsDraft01(signatureInput: string): boolean {
  return /;[ \t]*keyId=/.test(withoutStrings(signatureInput));
}

function hasRegisteredAlgorithm(signatureInput: string): boolean {
  const [first = ''] = splitMembers(signatureInput, 'syntax_signature_input').values();
  const alg = structuredInput.read(first).params.get('alg');
  return alg !== undefined && registeredAlgorithms.has(unquote(alg));
}
