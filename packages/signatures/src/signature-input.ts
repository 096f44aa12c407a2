// Reads and writes the two signature headers: structured fields (RFC 8941) through the library,
// and the form of draft -01, which is not RFC 8941, through a small parser of its own. Syntax
// only: what names and parameters mean, and which are allowed, is judged in parse.ts by the
// dialect's table.

import {
  type BareItem,
  isInnerList,
  ParseError,
  parseDictionary,
  serializeBareItem,
  serializeInnerList,
  serializeParameters,
  serializeString,
} from 'structured-headers';
import { maxSignatures } from './limits.ts';
import { stripOws } from './message.ts';
import { SignatureError, type SignatureErrorCode } from './signature-error.ts';

/** One member of `signature-input`, read but not judged. */
export interface ListedSignature {
  /**
   * Identifiers in order; one with parameters is its text (`accept;sf`), which no dialect admits.
   */
  readonly components: readonly string[];
  /** Parameters as text (`"abc"`, `1700000000`, `hs2019`), in order. */
  readonly params: ReadonlyMap<string, string>;
  /** List and parameters in canonical form: the value of `@signature-params`. */
  readonly canonical: string;
}

/** What a signer puts into one member of `signature-input`, parameters in the order given. */
export interface SignatureInput {
  readonly components: readonly string[];
  readonly params: ReadonlyMap<string, string | number>;
}

/** How a dialect reads and writes one member of `signature-input`, without its label. */
export interface InputSyntax {
  readonly elements: 'tokens' | 'strings';
  /** Throws `syntax_signature_input`, `param_invalid` or `param_duplicate`. */
  readonly read: (member: string) => ListedSignature;
  readonly write: (input: SignatureInput) => string;
}

const labelForm = /^[a-z*][a-z0-9_.*-]*/;

/**
 * The members of a dictionary by label, as text.
 *
 * Split off the text, because a dictionary parser keeps only the last of two equal labels. Commas
 * in strings and, for draft -01, in lists do not separate. Throws `syntax`, `label_duplicate` or
 * `too_many_components`.
 */
export function splitMembers(
  text: string,
  syntax: 'syntax_signature_input' | 'syntax_signature',
): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (const member of splitAtCommas(text)) {
    const label = labelForm.exec(member)?.[0];
    if (label === undefined) throw new SignatureError(syntax);
    if (members.has(label)) throw new SignatureError('label_duplicate', label);
    members.set(label, member);
    if (members.size > maxSignatures) throw new SignatureError('too_many_components');
  }
  return members;
}

function splitAtCommas(text: string): string[] {
  if (!text.includes(',')) return [stripOws(text)];
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted && char === '\\') at += 1;
    else if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === ',' && depth === 0) {
      members.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...members, text.slice(start)].map(stripOws);
}

const usualBytes =
  /^([a-z*][a-z0-9_.*-]*)=:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]=)?):$/;

/**
 * A dictionary of one byte sequence in whole groups of base64, as nearly everybody writes it; what is
 * written otherwise is undefined, and for the library to read or refuse.
 */
export function readUsualBytes(text: string): { label: string; bytes: Uint8Array } | undefined {
  const [, label, base64] = usualBytes.exec(text) ?? [];
  if (label === undefined || base64 === undefined) return undefined;
  return { label, bytes: Buffer.from(base64, 'base64') };
}

/** The bytes of one member of `signature`; throws `syntax_signature`. */
export function readSignatureBytes(member: string): Uint8Array {
  const usual = readUsualBytes(member);
  if (usual !== undefined) return usual.bytes;
  const [value] = readMember(member, 'syntax_signature');
  if (!(value instanceof ArrayBuffer)) throw new SignatureError('syntax_signature');
  return new Uint8Array(value);
}

/**
 * A text with the content of its quoted strings taken out, for questions about its form. The
 * closing quote is optional in the pattern, so that a string without one cannot take quadratic
 * time.
 */
export function withoutStrings(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"?/g, '""');
}

/** The value of a quoted string's text. */
export function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(["\\])/g, '$1');
}

function readMember(member: string, syntax: SignatureErrorCode) {
  try {
    const [value] = parseDictionary(member).values();
    if (value === undefined) throw new SignatureError(syntax);
    return value;
  } catch (error) {
    if (error instanceof ParseError) throw new SignatureError(syntax);
    throw error;
  }
}

// What nearly every signer writes is canonical as it comes: quoted names one space apart, then parameters
// that are whole numbers or strings, nothing escaped. Two patterns read that in a tenth of the library's
// time; the library reads, or refuses, everything else.
const usualInput =
  /^[a-z*][a-z0-9_.*-]*=(\((?:"([ !#-[\]-~]*(?:" "[ !#-[\]-~]*)*)")?\)((?:;[a-z*][a-z0-9_.*-]*=(?:"[ !#-[\]-~]*"|0|[1-9]\d{0,14}))*))$/;
const usualParam = /;([a-z*][a-z0-9_.*-]*)=("[^"]*"|\d+)/g;

function readUsualInput(member: string): ListedSignature | undefined {
  const [, canonical, names, written = ''] = usualInput.exec(member) ?? [];
  if (canonical === undefined) return undefined;
  const params = new Map<string, string>();
  for (const [, name = '', value = ''] of written.matchAll(usualParam)) {
    // Of two alike the library keeps the last, in the place of the first.
    if (params.has(name)) return undefined;
    params.set(name, value);
  }
  return { components: names === undefined ? [] : names.split('" "'), params, canonical };
}

/** `sig1=("@method" "date");created=1;keyid="k"`: drafts -06 and -15, RFC 9421 section 4.1. */
export const structuredInput: InputSyntax = {
  elements: 'strings',
  read: (member) => {
    const usual = readUsualInput(member);
    if (usual !== undefined) return usual;
    const list = readMember(member, 'syntax_signature_input');
    if (!isInnerList(list)) throw new SignatureError('syntax_signature_input');
    refuseFractionOfZero(member);
    const components = list[0].map(([name, params]) => {
      if (typeof name !== 'string') throw new SignatureError('syntax_signature_input');
      return name + serializeParameters(params);
    });
    const params = new Map([...list[1]].map(([key, value]) => [key, serializeBareItem(value)]));
    return { components, params, canonical: serializeInnerList(list) };
  },
  write: ({ components, params }) =>
    serializeInnerList([
      components.map((name) => [name, new Map<string, BareItem>()]),
      new Map<string, BareItem>(params),
    ]),
};

// JavaScript loses the difference between 1.0 and 1, so the library would write another base than
// the signer did, and take a decimal for an integer.
function refuseFractionOfZero(member: string): void {
  if (/=-?\d+\.0+(?!\d)/.test(withoutStrings(member))) throw new SignatureError('param_invalid');
}

const member01 = /^[a-z0-9_.*-]+=\(([^()"]*)\)(.*)$/;
const parameter01 = /[ \t]*;[ \t]*([A-Za-z0-9_.*-]+)=("(?:[ !#-[\]-~]|\\["\\])*"|[^\s;,"()]+)/y;

/** `sig1=(*request-target, date); keyId="k"; alg=hs2019; created=1`: draft -01 section 4.1. */
export const draft01Input: InputSyntax = {
  elements: 'tokens',
  read: (member) => {
    const parts = member01.exec(member);
    if (!parts) throw new SignatureError('syntax_signature_input');
    const [, list = '', params = ''] = parts;
    return { components: readTokens(list), params: readParams(params), canonical: '' };
  },
  write: ({ components, params }) => {
    const written = [...params].map(
      ([name, value]) => `; ${name}=${typeof value === 'string' ? serializeString(value) : value}`,
    );
    return `(${components.join(', ')})${written.join('')}`;
  },
};

// The examples of the draft and its clients separate by commas, its grammar by spaces: one kind a
// list. White space is not signed, so nothing hangs on how much of it there is.
function readTokens(text: string): string[] {
  const list = stripOws(text);
  if (list === '') return [];
  const names = list.includes(',')
    ? list.split(',').map(stripOws)
    : list.split(' ').filter((name) => name !== '');
  if (names.some((name) => !/^\S+$/.test(name))) throw new SignatureError('syntax_signature_input');
  return names;
}

function readParams(text: string): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (let at = 0; at < text.length; at = parameter01.lastIndex) {
    parameter01.lastIndex = at;
    const [, name = '', value = ''] = parameter01.exec(text) ?? [];
    if (name === '') throw new SignatureError('syntax_signature_input');
    if (params.has(name)) throw new SignatureError('param_duplicate', name);
    params.set(name, value);
  }
  return params;
}
