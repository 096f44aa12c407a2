// The FIX tag=value encoding: messages to bytes and bytes to messages. It knows framing (8, 9, 10) and
// length-prefixed data fields, and nothing of what a message means. Values stay text: a quantity or a
// price never becomes a number here. Source: FIX 4.4 volume 1, "FIX Message Format".

/** One field: its tag, and its value as the bytes of latin1. */
export type Field = readonly [tag: number, value: string];

/** A message without its frame (8, 9, 10): its fields in order, the first being 35. */
export interface FixMessage {
  readonly type: string;
  readonly fields: readonly Field[];
}

/** What a framer finds in the bytes of a connection. */
export type Framed =
  | { readonly kind: 'message'; readonly message: FixMessage; readonly bytes: number }
  /** Bytes that are no message; FIX lets a receiver ignore them, so that a gap shows. */
  | {
      readonly kind: 'garbled';
      readonly reason: string;
      readonly bytes: number;
      /** The BeginString of a message of another version. */
      readonly version?: string;
    };

/** Bytes of one message, 9 and 10 included. A larger one breaks the connection. */
export const messageBytesMax = 65_536;

const soh = 0x01;
const encoding = 'latin1';

/** Fields whose value may hold any byte, by the field before them that gives their length. */
const dataOf: ReadonlyMap<number, number> = new Map([
  [90, 91],
  [93, 89],
  [95, 96],
  [212, 213],
  [348, 349],
  [350, 351],
  [352, 353],
  [354, 355],
  [356, 357],
  [358, 359],
  [360, 361],
  [362, 363],
  [364, 365],
  [445, 446],
  [618, 619],
  [621, 622],
]);
const dataTags: ReadonlySet<number> = new Set(dataOf.values());

/** A message that cannot be written: a defect of the caller. */
export class FixEncodingError extends Error {
  override readonly name = 'FixEncodingError';
}

/**
 * The bytes of a message with its frame. `fields` begin with 35 and hold neither 8, 9 nor 10.
 * @throws FixEncodingError for an empty value, and for SOH or characters beyond latin1 in one.
 */
export function encodeMessage(beginString: string, fields: readonly Field[]): Buffer {
  if (fields[0]?.[0] !== 35) throw new FixEncodingError('A message begins with MsgType (35).');
  const body = textOfAll(fields);
  const head = `8=${beginString}\x019=${body.length}\x01`;
  // The checksum is of the bytes, and is written over its place among them.
  const bytes = Buffer.from(`${head}${body}10=000\x01`, encoding);
  const end = bytes.length - trailerBytes;
  bytes.write(checksumOf(bytes, end), end + checksumAt, encoding);
  return bytes;
}

/** The bytes of fields without a frame, as they are stored; `fieldsOf` reads them again. */
export function encodeFields(fields: readonly Field[]): Buffer {
  return Buffer.from(textOfAll(fields), encoding);
}

function textOfAll(fields: readonly Field[]): string {
  let text = '';
  let before: Field | undefined;
  for (const field of fields) {
    text += textOf(field, before);
    before = field;
  }
  if (beyondLatin1.test(text)) {
    const [tag] = fields.find(([, value]) => beyondLatin1.test(value)) ?? [];
    throw new FixEncodingError(`The value of field ${tag} is not latin1.`);
  }
  return text;
}

const beyondLatin1 = /[\u0100-\uffff]/;

function textOf([tag, value]: Field, before: Field | undefined): string {
  if (value === '') throw new FixEncodingError(`Field ${tag} has no value.`);
  if (dataTags.has(tag)) {
    const isAnnounced = before !== undefined && dataOf.get(before[0]) === tag;
    if (!isAnnounced || Number(before[1]) !== value.length) {
      throw new FixEncodingError(`Field ${tag} does not follow the field that gives its length.`);
    }
  } else if (value.includes('\x01')) {
    throw new FixEncodingError(`The value of field ${tag} holds a SOH.`);
  }
  return `${tag}=${value}\x01`;
}

/** Of the bytes up to an end. */
function checksumOf(bytes: Buffer, end: number): string {
  let sum = 0;
  for (let at = 0; at < end; at += 1) sum += bytes[at] ?? 0;
  return String(sum % 256).padStart(3, '0');
}

/**
 * Cuts the bytes of one connection into messages, whatever way they come. Bytes that do not make a
 * message come out as `garbled`, up to the next place where one may begin; it never throws, and it
 * keeps at most one message's bytes.
 */
export class Framer {
  readonly #beginString: string;
  readonly #start: Buffer;
  #pending: Buffer = Buffer.alloc(0);

  constructor(beginString: string) {
    this.#beginString = beginString;
    this.#start = Buffer.from(`8=${beginString}\x01`, encoding);
  }

  /** What is complete with these bytes, in order. */
  push(chunk: Uint8Array): readonly Framed[] {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const found: Framed[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#pending = this.#pending.subarray(next.bytes);
      found.push(next);
    }
    return found;
  }

  #next(): Framed | undefined {
    const pending = this.#pending;
    if (pending.length === 0) return undefined;
    const head = this.#start;
    if (!pending.subarray(0, head.length).equals(head.subarray(0, pending.length))) {
      return this.#foreign();
    }
    if (pending.length <= head.length + 2) return undefined;
    const lengthEnd = pending.indexOf(soh, head.length);
    if (lengthEnd < 0 && pending.length <= head.length + lengthDigitsMax) return undefined;
    const length = /^9=(\d{1,6})$/.exec(pending.toString(encoding, head.length, lengthEnd))?.[1];
    if (length === undefined) return this.#garbled('BodyLength (9) is not the second field');
    const bodyEnd = lengthEnd + 1 + Number(length);
    const end = bodyEnd + trailerBytes;
    if (end > messageBytesMax) return this.#garbled(`BodyLength (9) is ${length}`);
    if (pending.length < end) return undefined;
    const sum = /^10=(\d{3})$/.exec(pending.toString(encoding, bodyEnd, end - 1))?.[1];
    if (sum === undefined || pending[end - 1] !== soh)
      return this.#garbled('CheckSum (10) is not where BodyLength (9) says');
    const computed = checksumOf(pending, bodyEnd);
    if (sum !== computed) {
      return { kind: 'garbled', reason: `CheckSum (10) is ${sum}, not ${computed}`, bytes: end };
    }
    const fields = fieldsOf(pending.subarray(lengthEnd + 1, bodyEnd));
    const [first] = fields ?? [];
    if (fields === undefined || first?.[0] !== 35) {
      const reason = fields ? 'MsgType (35) is not the third field' : 'a field is not tag=value';
      return { kind: 'garbled', reason, bytes: end };
    }
    return { kind: 'message', message: { type: first[1], fields }, bytes: end };
  }

  /** A message of another version, or no message at all. */
  #foreign(): Framed | undefined {
    const [start = ''] = this.#pending.toString(encoding, 0, versionBytesMax).split('\x01');
    const version = /^8=(FIXT?\.\d\.\d)$/.exec(start)?.[1];
    const garbled = this.#garbled(`no message begins with 8=${this.#beginString}`);
    return version === undefined ? garbled : { ...garbled, version };
  }

  /** Everything up to where a message may begin again. */
  #garbled(reason: string): Framed & { kind: 'garbled' } {
    const pending = this.#pending;
    const next = pending.indexOf(this.#start, 1);
    if (next >= 0) return { kind: 'garbled', reason, bytes: next };
    // The last bytes may be the first ones of a message.
    for (let kept = Math.min(this.#start.length, pending.length) - 1; kept > 0; kept -= 1) {
      if (pending.subarray(pending.length - kept).equals(this.#start.subarray(0, kept))) {
        return { kind: 'garbled', reason, bytes: pending.length - kept };
      }
    }
    return { kind: 'garbled', reason, bytes: pending.length };
  }
}

/** `8=`, a version and the SOH behind it. */
const versionBytesMax = 24;
/** `9=` and six digits and the SOH behind them. */
const lengthDigitsMax = 9;
/** `10=nnn` and its SOH, and where in it the sum stands. */
const trailerBytes = 7;
const checksumAt = 3;

/** The fields of a body; undefined where one is not tag=value. */
export function fieldsOf(body: Buffer): readonly Field[] | undefined {
  // Decoded once: the parts of a text cost less than those of a buffer.
  const text = body.toString(encoding);
  const fields: Field[] = [];
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    if (equals < 0) return undefined;
    const tagText = text.slice(at, equals);
    if (!/^[1-9]\d{0,5}$/.test(tagText)) return undefined;
    const tag = Number(tagText);
    const from = equals + 1;
    const end = dataTags.has(tag) ? dataEnd(fields, tag, from) : text.indexOf('\x01', from);
    if (end === undefined || end <= from || text[end] !== '\x01') return undefined;
    fields.push([tag, text.slice(from, end)]);
    at = end + 1;
  }
  return fields;
}

function dataEnd(fields: readonly Field[], tag: number, from: number): number | undefined {
  const [announcing, length = ''] = fields.at(-1) ?? [];
  if (announcing === undefined || dataOf.get(announcing) !== tag) return undefined;
  return /^\d{1,6}$/.test(length) ? from + Number(length) : undefined;
}

/** The value of the first field of this tag; undefined where there is none. */
export function fieldOf(message: FixMessage, tag: number): string | undefined {
  for (const field of message.fields) if (field[0] === tag) return field[1];
  return undefined;
}
