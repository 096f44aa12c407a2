// Has signatures made and verified in the thread that asks for them, and on a cheaper curve. Node's own
// threads finish in an order that hangs on the machine; and a signature on P-521 takes as long as several
// statements.
import crypto, { createPublicKey, generateKeyPairSync, KeyObject } from 'node:crypto';
import { putInCrypto } from '../support/node-crypto.ts';

type Callback = (error: unknown, result?: unknown) => void;
type Signer = (...args: unknown[]) => unknown;
type Side = 'privateKey' | 'publicKey';
type Pair = Readonly<Record<Side, KeyObject>>;

/** @returns how to undo it. */
export function signInOrder(): () => void {
  const { sign, verify } = crypto;
  const cheap = new CheapKeys();
  return putInCrypto({
    sign: inOrder(sign as Signer, (key) => cheap.inPlaceOf(key, 'privateKey')),
    verify: inOrder(verify as Signer, (key) => cheap.inPlaceOf(key, 'publicKey')),
  });
}

/** Both take the algorithm, the bytes and the key first, and a callback last. */
function inOrder(work: Signer, keyFor: (key: unknown) => unknown): Signer {
  return (algorithm, bytes, key, ...rest) => {
    const callback = rest.at(-1);
    if (typeof callback !== 'function') return work(algorithm, bytes, key, ...rest);
    const call = callback as Callback;
    try {
      const result = work(algorithm, bytes, keyFor(key), ...rest.slice(0, -1));
      return queueMicrotask(() => call(null, result));
    } catch (error) {
      return queueMicrotask(() => call(error));
    }
  };
}

/** Keys on P-256 that stand for those on P-521, one pair for each; other keys stand for themselves. */
class CheapKeys {
  readonly #byPublicKey = new Map<string, Pair>();
  readonly #byKey = new WeakMap<KeyObject, Pair>();

  inPlaceOf(key: unknown, side: Side): unknown {
    if (!(key instanceof KeyObject)) return key;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known[side];
    if (key.asymmetricKeyDetails?.namedCurve !== 'secp521r1') return key;
    const publicKey = key.type === 'private' ? createPublicKey(key) : key;
    const name = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    const pair = this.#byPublicKey.get(name) ?? generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#byPublicKey.set(name, pair);
    this.#byKey.set(key, pair);
    return pair[side];
  }
}
