// Has signatures made and verified in the thread that asks for them. Node's own threads finish in an order
// that hangs on the machine.
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

type Callback = (error: unknown, result?: unknown) => void;
type Signer = (...args: unknown[]) => unknown;

/** @returns how to undo it. */
export function signInOrder(): () => void {
  const { sign, verify } = crypto;
  put({ sign: inOrder(sign as Signer), verify: inOrder(verify as Signer) });
  return () => put({ sign, verify });
}

function put(functions: object): void {
  Object.assign(crypto, functions);
  syncBuiltinESMExports();
}

function inOrder(work: Signer): Signer {
  return (...args) => {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return work(...args);
    const call = callback as Callback;
    try {
      const result = work(...args.slice(0, -1));
      return queueMicrotask(() => call(null, result));
    } catch (error) {
      return queueMicrotask(() => call(error));
    }
  };
}
