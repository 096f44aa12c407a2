// A request as the text of a file: request line, headers, an empty line, body. Lenient where an editor
// or a terminal changes text (line ends, a line feed at the end), exact everywhere else.

import type { SignedMessage } from './message.ts';

/** A text that is no request; the message is a sentence for the person who gave it. */
export class RawRequestError extends Error {
  override readonly name = 'RawRequestError';
}

/** A request, and what was assumed in reading it. */
export interface RawRequest {
  readonly message: SignedMessage;
  readonly notes: readonly string[];
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const headersMax = 200;

/** Reads a request; lines end in CR LF or LF. Decodes nothing. @throws RawRequestError */
export function readRawRequest(bytes: Uint8Array): RawRequest {
  const { lines, rest } = splitHead(bytes);
  const [first = '', ...others] = lines;
  const [, method = '', target = ''] = /^([A-Z]+) (\S+)(?: HTTP\/\d(?:\.\d)?)?$/.exec(first) ?? [];
  if (method === '') {
    throw new RawRequestError('The first line has to be like: POST /path?query HTTP/1.1');
  }
  if (others.length > headersMax) throw new RawRequestError('There are too many header lines.');
  const headers = others.map(readHeader);
  const find = (name: string) => headers.find(([one]) => one.toLowerCase() === name)?.[1];
  if (find('transfer-encoding') !== undefined) {
    throw new RawRequestError('A chunked body cannot be read here; give it with content-length.');
  }
  const { body, notes } = readBody(rest, find('content-length'));
  return { message: { method, target, headers, body }, notes };
}

function splitHead(bytes: Uint8Array): { lines: readonly string[]; rest: Uint8Array } {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(lineFeed, start);
    const end = found < 0 ? bytes.length : found;
    const line = bytes.subarray(
      start,
      bytes[end - 1] === carriageReturn && end > start ? end - 1 : end,
    );
    start = end + 1;
    if (line.length === 0) return { lines, rest: bytes.subarray(start) };
    lines.push(Buffer.from(line).toString('latin1'));
  }
  return { lines, rest: new Uint8Array() };
}

function readHeader(line: string): readonly [string, string] {
  const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/.exec(line) ?? [];
  if (name !== '') return [name, value];
  const shown = line.slice(0, 40).replace(/[^ -~]/g, '?');
  throw new RawRequestError(`This is no header line: ${shown}`);
}

/** As many bytes as the header says, where the file has a few more: an editor ends its last line. */
function readBody(rest: Uint8Array, length: string | undefined) {
  if (length === undefined) {
    const body = withoutLastLineEnd(rest);
    const isCut = body.length < rest.length;
    return {
      body,
      notes: isCut ? ['The line end at the end of the text is not taken as body.'] : [],
    };
  }
  const count = /^\s*\d{1,9}\s*$/.test(length) ? Number(length) : Number.NaN;
  if (rest.length >= count) {
    const extra = rest.length - count;
    const notes = extra > 0 ? [`${extra} bytes after the body (content-length) are ignored.`] : [];
    return { body: rest.subarray(0, count), notes };
  }
  const notes = [`content-length is ${length.trim()}, but the body has ${rest.length} bytes.`];
  return { body: rest, notes };
}

function withoutLastLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== lineFeed) return bytes;
  return bytes.subarray(0, bytes.at(-2) === carriageReturn ? -2 : -1);
}
