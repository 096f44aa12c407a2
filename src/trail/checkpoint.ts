// A checkpoint: the ends of all chains at an instant, signed, as a line of a file outside the database. A line is
// a JWS (RFC 7515, compact, EdDSA by RFC 8037) and names the one before it by its hash, so the file is a chain of
// its own. A line has the chains that have grown since the line before; the first has all. Pure.

import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { parseId, type TenantId } from '../ids.ts';

/** The end of a tenant's chain. */
export interface Head {
  readonly number: string;
  /** In hex. */
  readonly hash: string;
}

export interface Checkpoint {
  readonly chainId: string;
  /** Of the line, counted from 1. */
  readonly number: number;
  readonly at: Date;
  /** SHA-256 of the line before, in hex; empty in the first. */
  readonly previous: string;
  readonly heads: ReadonlyMap<TenantId, Head>;
}

const type = 'unwind-checkpoint+jws';
/** Of an Ed25519 signature in base64url. */
const signatureLength = 86;
const lineForm = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** The name of a key: its thumbprint (RFC 7638). */
export function keyNameOf(key: KeyObject): string {
  const { crv, kty, x } = createPublicKeyOf(key).export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}

function createPublicKeyOf(key: KeyObject): KeyObject {
  return key.type === 'private' ? createPublicKey(key) : key;
}

/** A line without its end. @param privateKey Ed25519. */
export function lineOf(checkpoint: Checkpoint, privateKey: KeyObject): string {
  const { chainId: chain, number, at, previous, heads } = checkpoint;
  const shown = [...heads].map(([tenant, head]) => ({ tenant, ...head }));
  const header = { alg: 'EdDSA', typ: type, kid: keyNameOf(privateKey) };
  const payload = { chain, number, at: at.toISOString(), previous, heads: shown };
  const signed = [header, payload].map((part) => base64urlOf(JSON.stringify(part))).join('.');
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

function base64urlOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

export function hashOfLine(line: string): string {
  return createHash('sha256').update(line).digest('hex');
}

export type ReadLine =
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint; readonly keyName: string }
  /** What a process left that was killed while it wrote. */
  | { readonly type: 'torn' }
  /** No signature of these keys. */
  | { readonly type: 'unsigned'; readonly keyName: string | undefined };

/** Reads a line. @param keys by name; where there is none of the name, the line counts as unsigned. */
export function readLine(line: string, keys: ReadonlyMap<string, KeyObject>): ReadLine {
  const [, header = '', payload = '', signature = ''] = lineForm.exec(line) ?? [];
  if (signature.length !== signatureLength) return { type: 'torn' };
  const { alg, typ, kid } = Object(jsonOf(header)) as Readonly<Record<string, unknown>>;
  const keyName = typeof kid === 'string' ? kid : undefined;
  const key = keyName === undefined ? undefined : keys.get(keyName);
  const isRight = alg === 'EdDSA' && typ === type;
  if (key === undefined || keyName === undefined || !isRight) return { type: 'unsigned', keyName };
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify(null, signed, createPublicKeyOf(key), Buffer.from(signature, 'base64url'))) {
    return { type: 'unsigned', keyName };
  }
  const checkpoint = checkpointOf(jsonOf(payload));
  if (checkpoint === undefined) return { type: 'unsigned', keyName };
  return { type: 'checkpoint', checkpoint, keyName };
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function checkpointOf(payload: unknown): Checkpoint | undefined {
  const { chain, number, at, previous, heads } = Object(payload) as Readonly<
    Record<string, unknown>
  >;
  if (typeof chain !== 'string' || typeof number !== 'number' || typeof at !== 'string')
    return undefined;
  if (typeof previous !== 'string' || !Array.isArray(heads)) return undefined;
  const read = new Map<TenantId, Head>();
  for (const one of heads as readonly unknown[]) {
    const { tenant, number: of, hash } = Object(one) as Readonly<Record<string, unknown>>;
    const tenantId = typeof tenant === 'string' ? parseId<'tenant'>(tenant) : undefined;
    if (tenantId === undefined || typeof of !== 'string' || typeof hash !== 'string')
      return undefined;
    read.set(tenantId, { number: of, hash });
  }
  return { chainId: chain, number, at: new Date(at), previous, heads: read };
}

/** What lines of a file say together. */
export interface Signed {
  readonly chainId: string;
  readonly number: number;
  readonly at: Date;
  /** Of the last line. */
  readonly hash: string;
  readonly heads: ReadonlyMap<TenantId, Head>;
}

export type Fault = 'checkpoint_missing' | 'checkpoint_turned_back';

/**
 * Adds a line to what those before it say. A line that is the first of its kind begins a new run, as after a
 * restart with a pipe, which cannot be read back: it has all chains, each at least as long as before.
 * @returns the sum, and what contradicts: a line between is missing, or a chain is shorter than before.
 */
export function following(
  before: Signed | undefined,
  { line, checkpoint }: { readonly line: string; readonly checkpoint: Checkpoint },
): { readonly signed: Signed; readonly faults: readonly Fault[]; readonly isNewRun: boolean } {
  const { chainId, number, at, previous } = checkpoint;
  const isFirst = number === 1 && previous === '';
  const isNext =
    isFirst || (number === (before?.number ?? 0) + 1 && previous === (before?.hash ?? ''));
  const known = before?.chainId === chainId ? before.heads : new Map<TenantId, Head>();
  const isNewRun = isFirst && before !== undefined;
  const isShorter = [...known].some(([tenantId, head]) => {
    const now = checkpoint.heads.get(tenantId);
    return now === undefined ? isNewRun : isBehind(now, head);
  });
  const heads = new Map([...known, ...checkpoint.heads]);
  for (const [tenantId, head] of known) {
    const now = checkpoint.heads.get(tenantId);
    if (now !== undefined && isBehind(now, head)) heads.set(tenantId, head);
  }
  const faults: Fault[] = [];
  if (!isNext) faults.push('checkpoint_missing');
  if (isShorter || (before !== undefined && at < before.at)) faults.push('checkpoint_turned_back');
  return { signed: { chainId, number, at, hash: hashOfLine(line), heads }, faults, isNewRun };
}

function isBehind(now: Head, before: Head): boolean {
  return BigInt(now.number) < BigInt(before.number);
}
