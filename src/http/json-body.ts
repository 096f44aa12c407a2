// The body of a request as JSON, of as many values as one look at it can take: a large one that is mostly
// brackets would hold up everybody else, since reading and explaining it cannot be interrupted.

import { requestBodyBytesMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { Call } from './pipeline.ts';

/** Values of a body, counted by commas and brackets: 100,000 accounts of a batch with their users are 300,000. */
const valuesMax = 400_000;

/** Members of an object in a large body; none that is meant has a hundredth. */
const membersMax = 1_000;

/** Characters of a place that a response repeats. */
const placeLengthMax = 200;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const json = /^application\/json(\s*;\s*charset="?utf-8"?)?\s*$/i;

/** The body as JSON. @throws Refusal `unsupported_media_type`, `bad_request`. */
export function jsonBody(call: Pick<Call, 'contentType' | 'rawBody'>): unknown {
  if (!json.test(call.contentType ?? '')) {
    throw new Refusal('unsupported_media_type', 'The body has to be application/json in UTF-8.');
  }
  checkValues(call.rawBody);
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(call.rawBody);
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal('bad_request', 'The body is not JSON.', { cause: error });
  }
  if (call.rawBody.length > requestBodyBytesMax) refuseManyMembers(value);
  if (text.includes('\\u')) refuseHalfCharacters(value);
  return value;
}

/** Looked at before anything is made of the bytes, and without knowing texts from the rest. @throws Refusal `bad_request`. */
function checkValues(body: Buffer): void {
  let values = 0;
  for (const byte of body) {
    if (byte === comma || byte === bracket || byte === brace) values += 1;
  }
  if (values <= valuesMax) return;
  throw new Refusal('bad_request', `The body has more than ${valuesMax} values.`);
}

const [comma, bracket, brace] = Buffer.from(',[{');

/** @throws Refusal `bad_request`. */
function refuseManyMembers(body: unknown): void {
  const left = [body];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const values = Object.values(Object(next));
    if (!Array.isArray(next) && values.length > membersMax) {
      throw new Refusal(
        'bad_request',
        `An object of the body has more than ${membersMax} members.`,
      );
    }
    for (const one of values) if (typeof one === 'object' && one !== null) left.push(one);
  }
}

/**
 * An escape can write half a character, which has no UTF-8 and which no database keeps.
 * @throws Refusal `bad_request` that names the place.
 */
function refuseHalfCharacters(body: unknown): void {
  const left: [place: string, value: unknown][] = [['', body]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [place, value] = next;
    const texts = typeof value === 'string' ? [value] : Object.keys(Object(value));
    if (!texts.every((text) => text.isWellFormed())) {
      const where = place === '' ? '(root)' : place.slice(0, placeLengthMax);
      throw new Refusal('bad_request', `${where} has half a character (a lone surrogate).`);
    }
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, one] of Object.entries(value)) left.push([`${place}/${name}`, one]);
  }
}
