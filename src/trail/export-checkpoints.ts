// Writes checkpoints: signs the ends of all chains and appends them to a file outside the database. Before it
// signs, it looks whether each chain still follows from what it has signed before: it puts its name to no chain
// that was made anew.

import { createHash, type KeyObject } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { verifiedSealsAtOnce } from '../limits.ts';
import { findChain } from './chain-store.ts';
import {
  type Checkpoint,
  following,
  type Head,
  hashOfLine,
  keyNameOf,
  lineOf,
  readLine,
  type Signed,
} from './checkpoint.ts';
import {
  CheckpointAppender,
  CheckpointFileError,
  lengthOf,
  linesOf,
  recalled,
  remember,
} from './checkpoint-file.ts';
import { findHeads } from './seals-store.ts';
import { findSealHashes, findSeals } from './verify-store.ts';

export interface CheckpointSettings {
  readonly file: string;
  /** Of a pipe, which cannot be read back: where the ends that were signed last are kept, signed. */
  readonly memory: string;
  /** Ed25519, private. */
  readonly key: KeyObject;
  /** Whether another chain may begin in the file, as after a reset of a sandbox. */
  readonly allowsNewChain: boolean;
}

/** How the signing goes in a process. */
export interface CheckpointState {
  readonly lastAt: Date | undefined;
  readonly isFailing: boolean;
}

/** What is to be signed does not follow from what was signed. Nothing is signed until a person has looked. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
}

/** Writes checkpoints to one file, which several processes may do. */
export class CheckpointWriter {
  readonly #sql: Sql;
  readonly #clock: Clock;
  readonly #settings: CheckpointSettings;
  readonly #appender: CheckpointAppender;
  #signed: Signed | undefined;
  #isFailing = false;
  /** Of the file when it was read or written last; undefined: it was not yet. */
  #length: number | undefined;

  constructor(sql: Sql, clock: Clock, settings: CheckpointSettings) {
    this.#sql = sql;
    this.#clock = clock;
    this.#settings = settings;
    this.#appender = new CheckpointAppender(settings.file);
  }

  /** When the last line was written, and whether the last try has failed. */
  get state(): CheckpointState {
    return { lastAt: this.#signed?.at, isFailing: this.#isFailing };
  }

  close(): Promise<void> {
    return this.#appender.close();
  }

  /**
   * Writes a line if some chain has grown.
   * @returns whether it did.
   * @throws DivergedError, CheckpointFileError, and trouble of file and database.
   */
  async write(): Promise<boolean> {
    try {
      const isWritten = await this.#write();
      this.#isFailing = false;
      return isWritten;
    } catch (error) {
      this.#isFailing = true;
      throw error;
    }
  }

  async #write(): Promise<boolean> {
    const { file, memory, key, allowsNewChain } = this.#settings;
    // Before the chains are read: what is not in them is sealed after this instant.
    const now = this.#clock.now();
    await this.#follow();
    // A clock that was set back does not let the file turn back.
    const { at: last = now } = this.#signed ?? {};
    const at = last > now ? last : now;
    const { chainId } = await findChain(this.#sql);
    const isNewChain = this.#signed !== undefined && this.#signed.chainId !== chainId;
    if (isNewChain && !allowsNewChain) {
      throw new DivergedError(
        `${file} is of another chain than this database. If the database was made anew or restored, move the ` +
          'file away and keep it: what it signs cannot be continued.',
      );
    }
    const known = isNewChain ? undefined : this.#signed?.heads;
    const remembered = this.#signed === undefined ? await this.#remembered(chainId) : undefined;
    const heads = await this.#grown(known ?? new Map(), remembered ?? new Map(), chainId);
    if (heads.size === 0) return false;
    const number = (this.#signed?.number ?? 0) + 1;
    const previous = this.#signed?.hash ?? '';
    const checkpoint: Checkpoint = { chainId, number, at, previous, heads };
    const line = lineOf(checkpoint, key);
    await this.#appender.append(line, { length: this.#length, now });
    const all = new Map([...(known ?? []), ...heads]);
    this.#signed = { chainId, number, at: checkpoint.at, hash: hashOfLine(line), heads: all };
    this.#length = await lengthOf(file);
    if (this.#length === undefined)
      await remember(memory, lineOf({ ...checkpoint, heads: all }, key));
    return true;
  }

  /**
   * The ends that this key has signed last, where the file cannot say so: from there on a chain is looked
   * through after a restart. An older line than the last is no harm: it is looked through from farther back.
   */
  async #remembered(chainId: string): Promise<ReadonlyMap<TenantId, Head> | undefined> {
    const { memory, key } = this.#settings;
    const line = await recalled(memory);
    const read = line === undefined ? undefined : readLine(line, new Map([[keyNameOf(key), key]]));
    if (read?.type !== 'checkpoint' || read.checkpoint.chainId !== chainId) return undefined;
    return read.checkpoint.heads;
  }

  /** Reads the file where it is not as this writer has left it. */
  async #follow(): Promise<void> {
    const { file, key } = this.#settings;
    const length = await lengthOf(file);
    // A pipe cannot be read: what this process has written counts.
    if (length === undefined || length === this.#length) return;
    const keys = new Map([[keyNameOf(key), key]]);
    let signed: Signed | undefined;
    for await (const line of linesOf(file)) {
      const read = readLine(line, keys);
      if (read.type === 'torn') continue;
      if (read.type === 'unsigned') {
        throw new CheckpointFileError(
          `${file} has a line that was not signed by the key ${keyNameOf(key)}. After a change of keys a ` +
            'new file begins: move this one away and keep it.',
        );
      }
      const next = following(signed, { line, checkpoint: read.checkpoint });
      if (next.faults.length > 0) {
        throw new CheckpointFileError(
          `${file} is not whole at line ${read.checkpoint.number}: unwind trail verify says more.`,
        );
      }
      signed = next.signed;
    }
    this.#signed = signed;
    this.#length = length;
  }

  /**
   * The chains that are longer than known, each looked through from there on, or from what is remembered.
   * @throws DivergedError
   */
  async #grown(
    known: ReadonlyMap<TenantId, Head>,
    remembered: ReadonlyMap<TenantId, Head>,
    chainId: string,
  ): Promise<ReadonlyMap<TenantId, Head>> {
    const heads = await findHeads(this.#sql);
    for (const [tenantId, { number }] of [...known, ...remembered]) {
      if (!heads.has(tenantId)) throw diverged(tenantId, `its seals up to ${number} are gone`);
    }
    const grown = new Map<TenantId, Head>();
    for (const [tenantId, head] of heads) {
      const from = known.get(tenantId);
      if (from?.number === head.number && from.hash === head.hash) continue;
      const begin = from ?? remembered.get(tenantId);
      await this.#lookThrough(tenantId, { from: begin, to: head, chainId });
      grown.set(tenantId, head);
    }
    return grown;
  }

  async #lookThrough(
    tenantId: TenantId,
    { from, to, chainId }: { from: Head | undefined; to: Head; chainId: string },
  ): Promise<void> {
    if (from !== undefined) {
      const hash = (await findSealHashes(this.#sql, tenantId, [from.number])).get(from.number);
      if (hash?.toString('hex') !== from.hash)
        throw diverged(tenantId, `seal ${from.number} is another`);
    }
    let before = from ?? { number: '0', hash: hashOfLine(`chain/1 ${chainId} ${tenantId}`) };
    while (before.number !== to.number) {
      const which = { tenantId, after: before.number, limit: verifiedSealsAtOnce };
      const seals = await findSeals(this.#sql, which);
      if (seals.length === 0) throw diverged(tenantId, `there is no seal behind ${before.number}`);
      for (const seal of seals) {
        const hash = createHash('sha256').update(seal.text, 'utf8').digest();
        const isNext =
          BigInt(seal.number) === BigInt(before.number) + 1n &&
          seal.previous.toString('hex') === before.hash &&
          seal.hash.equals(hash);
        if (!isNext)
          throw diverged(tenantId, `seal ${seal.number} does not follow the one before it`);
        before = { number: seal.number, hash: seal.hash.toString('hex') };
        if (before.number === to.number) break;
      }
    }
    if (before.hash !== to.hash) throw diverged(tenantId, `seal ${to.number} is another`);
  }
}

function diverged(tenantId: TenantId, why: string): DivergedError {
  return new DivergedError(
    `The chain of client ${tenantId} is not the one that was signed: ${why}. Nothing more is signed; ` +
      'unwind trail verify says what was changed.',
  );
}

/**
 * A step that signs what has grown; without a writer it has nothing to do. What a person has to look at is logged
 * with each turn, and nothing is signed until then. @returns 0: it is done again after a rest.
 */
export function checkpointStep(
  writer: CheckpointWriter | undefined,
  log: { error(fields: object, message: string): void },
): () => Promise<number> {
  return async () => {
    try {
      await writer?.write();
    } catch (error) {
      const waitsForPerson = error instanceof DivergedError || error instanceof CheckpointFileError;
      if (!waitsForPerson) throw error;
      log.error({ err: error }, 'trail.not_signed');
    }
    return 0;
  };
}
