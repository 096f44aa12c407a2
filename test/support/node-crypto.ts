// Puts functions in the place of those of node:crypto, for all modules of the process.
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** @returns how to undo it. */
export function putInCrypto(functions: Partial<Record<keyof typeof crypto, unknown>>): () => void {
  const names = Object.keys(functions) as (keyof typeof crypto)[];
  const before = Object.fromEntries(names.map((name) => [name, crypto[name]]));
  const put = (chosen: object) => {
    Object.assign(crypto, chosen);
    syncBuiltinESMExports();
  };
  put(functions);
  return () => put(before);
}
