// The accounts of one subscription that are not in step with its mark, each with what holds it. A
// hold is in doubt while the receiver may simply be down: then it is only known here, and the mark
// does not pass what it holds.

import type { AccountId } from '../ids.ts';
import { heldAheadMax } from '../limits.ts';
import type { LoggedEvent } from '../webhooks/webhook.ts';
import { DueOrder } from './due-order.ts';
import type { Hold } from './hold.ts';

export class HeldAccounts {
  readonly #holds = new Map<AccountId, Hold>();
  readonly #retrying = new Set<Hold>();
  readonly #order = new DueOrder();
  readonly #doubtful = new Set<Hold>();
  readonly #read = new Map<Hold, readonly LoggedEvent[]>();
  #changed = new Set<AccountId>();

  constructor(holds: readonly Hold[]) {
    for (const hold of holds) this.#put(hold);
  }

  /** Accounts held, in doubt or not. */
  get size(): number {
    return this.#holds.size;
  }

  get isInDoubt(): boolean {
    return this.#doubtful.size > 0;
  }

  has(accountId: AccountId): boolean {
    return this.#holds.has(accountId);
  }

  /** Whether an account is held without doubt, so that the mark may pass its events. */
  isSure(accountId: AccountId): boolean {
    const hold = this.#holds.get(accountId);
    return hold !== undefined && !this.#doubtful.has(hold);
  }

  /** When the first hold is due; undefined where none is tried again. */
  dueAt(): Date | undefined {
    return this.#order.first?.nextAttemptAt;
  }

  /** The first holds that are to be tried at this instant, longest due first: enough for now. */
  due(now: Date, isFree: (accountId: AccountId) => boolean): readonly Hold[] {
    const suits = (hold: Hold): boolean => {
      const [accountId] = hold.afters.keys();
      return accountId !== undefined && isFree(accountId);
    };
    return this.#order.due(now, suits, heldAheadMax);
  }

  /** Events that were read for a hold, to be sent next. */
  readFor(hold: Hold): readonly LoggedEvent[] | undefined {
    return this.#read.get(hold);
  }

  keepRead(hold: Hold, events: readonly LoggedEvent[]): void {
    if (this.#retrying.has(hold)) this.#read.set(hold, events);
  }

  forgetRead(hold: Hold): void {
    this.#read.delete(hold);
  }

  isCurrent(hold: Hold): boolean {
    return this.#retrying.has(hold);
  }

  /** Holds what was refused, for as long as it is unclear whether the receiver takes anything. */
  doubt(hold: Hold): void {
    this.#doubtful.add(hold);
    for (const accountId of hold.afters.keys()) this.#holds.set(accountId, hold);
  }

  /** The holds in doubt. */
  doubtful(): readonly Hold[] {
    return [...this.#doubtful];
  }

  /** Frees an account that is held in doubt: it is tried once more, now, by itself. */
  free(accountId: AccountId): void {
    const hold = this.#holds.get(accountId);
    if (hold === undefined || !this.#doubtful.delete(hold)) return;
    this.#holds.delete(accountId);
    const left = [...hold.afters].filter(([one]) => one !== accountId);
    if (left.length > 0) this.doubt({ ...hold, afters: new Map(left) });
  }

  /** There is no doubt any more. @returns the accounts concerned. */
  confirm(): ReadonlySet<AccountId> {
    const holds = [...this.#doubtful];
    this.#doubtful.clear();
    for (const hold of holds) this.hold(hold);
    return new Set(holds.flatMap((hold) => [...hold.afters.keys()]));
  }

  /** Holds accounts from now on. */
  hold(hold: Hold): void {
    this.#put(hold);
    for (const accountId of hold.afters.keys()) this.#changed.add(accountId);
  }

  /** What becomes of a hold: others, or nothing where its accounts are in step again. */
  replace(hold: Hold, by: readonly Hold[]): void {
    this.#read.delete(hold);
    if (this.#retrying.delete(hold)) this.#order.delete(hold);
    for (const accountId of hold.afters.keys()) {
      this.#holds.delete(accountId);
      this.#changed.add(accountId);
    }
    for (const one of by) this.hold(one);
  }

  /** Accounts whose hold has changed since this was last asked, with what holds them now if any. */
  takeChanges(): ReadonlyMap<AccountId, Hold | undefined> {
    const changes = new Map<AccountId, Hold | undefined>();
    for (const accountId of this.#changed) {
      changes.set(accountId, this.isSure(accountId) ? this.#holds.get(accountId) : undefined);
    }
    this.#changed = new Set();
    return changes;
  }

  #put(hold: Hold): void {
    if (hold.status === 'retrying' && !this.#retrying.has(hold)) {
      this.#retrying.add(hold);
      this.#order.add(hold);
    }
    for (const accountId of hold.afters.keys()) this.#holds.set(accountId, hold);
  }
}
