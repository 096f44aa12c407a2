// The same ids in every run, for tests of what is drawn by them: the simulated venue draws by the seed of its
// market and the client order id. What is replaced is where the machine takes random numbers from.
import crypto, { createHash } from 'node:crypto';
import type { Clock } from '../../src/clock.ts';
import { drawIdsFrom } from '../../src/ids.ts';
import type { AfterTest } from './database.ts';
import { putInCrypto } from './node-crypto.ts';

/**
 * Draws ids from 16 bytes each, in the order they are asked for, at the time of a clock; each as a process draws its
 * first, so within a millisecond they do not ascend.
 * @returns how to undo it.
 */
export function drawIdsBy(clock: Clock, bytesOfNext: () => Uint8Array): () => void {
  let bytes: Uint8Array = Buffer.alloc(16);
  const source: Clock = {
    now: () => {
      drawIdsFrom(source);
      bytes = bytesOfNext();
      return clock.now();
    },
  };
  drawIdsFrom(source);
  const takeBack = [putRandomInt(() => bytes), putRandomValues(() => bytes), drawIdsFrom];
  return () => {
    for (const undo of takeBack) undo();
  };
}

/** The number that an id begins to count from within its millisecond. */
function putRandomInt(bytes: () => Uint8Array): () => void {
  const { randomInt } = crypto;
  const ofId = (max: number, ...rest: number[]) => {
    if (max !== sequences || rest.length > 0)
      return Reflect.apply(randomInt, crypto, [max, ...rest]);
    return Buffer.from(bytes()).readUInt32BE(6) % sequences;
  };
  return putInCrypto({ randomInt: ofId });
}

/** What follows the time and the number. */
function putRandomValues(bytes: () => Uint8Array): () => void {
  const { crypto: webcrypto } = globalThis;
  const real = webcrypto.getRandomValues.bind(webcrypto);
  const value = (array: Uint8Array) => {
    if (array.byteLength !== 16) return real(array);
    array.set(bytes());
    return array;
  };
  Object.defineProperty(webcrypto, 'getRandomValues', { value, configurable: true });
  return () => Reflect.deleteProperty(webcrypto, 'getRandomValues');
}

const sequences = 2 ** 31;

/** Until the end of the test all ids are drawn at the time of a clock. */
export function drawIdsAt(t: AfterTest, clock: Clock): void {
  drawIdsFrom(clock);
  t.after(async () => drawIdsFrom());
}

/** Until the end of the test all ids are drawn alike, at an instant and in no order. The log has a part for what is past. */
export function drawIdsAlike(t: AfterTest, at: Date): void {
  let drawn = 0;
  const bytesOfNext = () => {
    drawn += 1;
    return createHash('sha256').update(`a${drawn}`).digest().subarray(0, 16);
  };
  const undo = drawIdsBy({ now: () => at }, bytesOfNext);
  t.after(async () => undo());
}
