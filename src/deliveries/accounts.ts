// The accounts of a subscription. Those whose request was refused or takes long share a block, and are
// sent apart from the others until they are in step again. At most one request of an account is under way.

import type { AccountId } from '../ids.ts';
import type { LoggedEvent } from '../webhooks/webhook.ts';
import {
  type Block,
  accountBecomes as becomes,
  type Failure,
  nextAttemptAfter,
  type Sending,
  type Standing,
} from './delivery.ts';
import { blocksAheadMax } from './limits.ts';
import { firstWhere } from './log-window.ts';

/** Attempts of a request as a whole before its accounts are tried apart. */
export const wholeAttempts = 3;

/** The accounts of a request that keeps the others waiting: nothing of it is acknowledged. */
export function overtaken(requestId: string, events: readonly LoggedEvent[], now: Date): Block {
  const acknowledged = new Map<AccountId, number>();
  for (const { accountId, offset } of events.toReversed()) acknowledged.set(accountId, offset - 1);
  return {
    status: becomes('in_step', 'overtaken'),
    requestId,
    acknowledged,
    upTo: events.at(-1)?.offset ?? 0,
    attempts: 0,
    failingSince: undefined,
    nextAttemptAt: now,
    lastAttemptAt: undefined,
    lastOutcome: undefined,
  };
}

/** The accounts of a request that was refused while nothing says whether the receiver is down. */
export function doubted(
  requestId: string,
  {
    events,
    failure,
    before,
  }: { events: readonly LoggedEvent[]; failure: Failure; before: Standing },
): Block {
  const fresh = overtaken(requestId, events, failure.at);
  return { ...failedAgain(fresh, failure, before), status: becomes('in_step', 'refused') };
}

/** The receiver acknowledges others, so what it refused is blocked. */
export function confirmed(block: Block): Block {
  return { ...block, status: becomes(block.status, 'others_acknowledged') };
}

/** Counts a failed attempt; `before` are failures that are known from elsewhere. */
function failedAgain(
  block: Block,
  failure: Failure,
  before: { readonly attempts: number; readonly failingSince: Date | undefined } = block,
): Block {
  const attempts = before.attempts + 1;
  return {
    ...block,
    attempts,
    failingSince: before.failingSince ?? failure.at,
    nextAttemptAt: nextAttemptAfter(attempts, failure),
    lastAttemptAt: failure.at,
    lastOutcome: failure.reason,
  };
}

/** Blocked accounts were tried again with these events, and refused. */
export interface Trial {
  readonly events: readonly LoggedEvent[];
  readonly failure: Failure;
  /** When the receiver last acknowledged anything. */
  readonly lastSuccessAt: Date | undefined;
  /** Failed attempts after which an account is set aside. */
  readonly setAsideAttempts: number;
  readonly newId: () => string;
}

/**
 * What becomes of accounts that were refused again: they wait longer, are tried apart, or one is set
 * aside, since it is refused while others are acknowledged.
 */
export function refusedAgain(block: Block, trial: Trial): readonly Block[] {
  const { events, failure, lastSuccessAt, setAsideAttempts } = trial;
  const status = becomes(block.status, 'refused');
  const upTo = events.at(-1)?.offset ?? block.upTo;
  const again = failedAgain({ ...block, status, upTo }, failure);
  const { lastAttemptAt } = block;
  const hasOthers =
    lastSuccessAt !== undefined && lastAttemptAt !== undefined && lastSuccessAt > lastAttemptAt;
  if (block.acknowledged.size === 1 && again.attempts >= setAsideAttempts && hasOthers) {
    return [{ ...again, status: becomes(status, 'given_up') }];
  }
  return apart(again, trial);
}

/**
 * Accounts that are tried apart, to find the event that is refused: first halves of the accounts, in
 * the end the first event of one account. The block itself while that is too soon.
 */
function apart(block: Block, { events, failure, newId }: Trial): readonly Block[] {
  if (block.attempts < wholeAttempts) return [block];
  const accounts = [...block.acknowledged];
  const soon = { nextAttemptAt: nextAttemptAfter(1, failure) };
  const [first] = events;
  if (accounts.length === 1) {
    const isOne = first === undefined || events.length === 1;
    return isOne ? [block] : [{ ...block, ...soon, upTo: first.offset }];
  }
  const middle = Math.ceil(accounts.length / 2);
  return [accounts.slice(0, middle), accounts.slice(middle)].map((half) => {
    return { ...block, ...soon, requestId: newId(), acknowledged: new Map(half) };
  });
}

/** Everything up to an offset is acknowledged, or not in the log any more: what follows is sent next. */
export function caughtUpTo(
  block: Block,
  { upTo, at, cause }: { upTo: number; at: Date; cause: 'acknowledged' | 'dropped' },
): Block {
  const acknowledged = new Map(
    [...block.acknowledged].map(([accountId, offset]) => [accountId, Math.max(offset, upTo)]),
  );
  return {
    ...block,
    status: becomes(block.status, cause),
    acknowledged,
    upTo,
    attempts: 0,
    failingSince: undefined,
    nextAttemptAt: at,
    lastAttemptAt: at,
  };
}

/**
 * The accounts of one subscription: which have a request under way, and which are out of step. What is
 * doubted is only known here.
 */
export class Accounts {
  readonly #blocks = new Map<AccountId, Block>();
  readonly #doubted = new Set<Block>();
  /** Those that are tried again, in the order in which they are due. */
  readonly #due: Block[] = [];
  readonly #read = new Map<Block, readonly LoggedEvent[]>();
  /** Requests under way, each with the block of its accounts, if they have one by now. */
  readonly #underWay = new Map<Sending, Block | undefined>();
  readonly #busy = new Set<AccountId>();
  #changed = new Set<AccountId>();

  constructor(blocks: readonly Block[]) {
    for (const block of blocks) this.#put(block);
  }

  /** Accounts out of step, doubted ones too. */
  get size(): number {
    return this.#blocks.size;
  }

  /** Accounts whose rows the database has, once what has changed is recorded. */
  get blockedSize(): number {
    let doubted = 0;
    for (const block of this.#doubted) doubted += block.acknowledged.size;
    return this.#blocks.size - doubted;
  }

  get isInDoubt(): boolean {
    return this.#doubted.size > 0;
  }

  /** Requests under way. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** How many of them carry events of accounts that are out of step. */
  get underWayApart(): number {
    return [...this.#underWay.values()].filter((block) => block !== undefined).length;
  }

  /** Whether no request of an account is under way. */
  readonly isFree = (accountId: AccountId): boolean => !this.#busy.has(accountId);

  /** Whether the next event of an account may go with those of the others. */
  readonly isInStep = (accountId: AccountId): boolean => {
    return !this.#busy.has(accountId) && !this.#blocks.has(accountId);
  };

  /** Whether the offset may pass the events of an account: they are sent apart. */
  isBlocked(accountId: AccountId): boolean {
    const block = this.#blocks.get(accountId);
    return block !== undefined && block.status !== 'doubted';
  }

  /** When the first block is due; undefined where none is tried again. */
  dueAt(): Date | undefined {
    return this.#due[0]?.nextAttemptAt;
  }

  /** The first blocks that are to be tried at this instant, longest due first: enough for now. */
  due(now: Date): readonly Block[] {
    const due: Block[] = [];
    for (const block of this.#due) {
      if (block.nextAttemptAt > now || due.length >= blocksAheadMax) break;
      const [accountId] = block.acknowledged.keys();
      if (accountId !== undefined && this.isFree(accountId)) due.push(block);
    }
    return due;
  }

  /** Events that were read for a block, to be sent next. */
  readFor(block: Block): readonly LoggedEvent[] | undefined {
    return this.#read.get(block);
  }

  keepRead(block: Block, events: readonly LoggedEvent[]): void {
    if (this.isCurrent(block)) this.#read.set(block, events);
  }

  /** Whether a block still is what its accounts wait for. */
  isCurrent(block: Block): boolean {
    const [accountId] = block.acknowledged.keys();
    return accountId !== undefined && this.#blocks.get(accountId) === block;
  }

  /** A request is under way. */
  begin(sending: Sending): void {
    const { block } = sending;
    this.#underWay.set(sending, block);
    if (block !== undefined) this.#read.delete(block);
    for (const accountId of accountsOf(sending)) this.#busy.add(accountId);
  }

  /** It is over. @returns the block of its accounts, if they have one by now. */
  end(sending: Sending): Block | undefined {
    const block = this.#underWay.get(sending);
    this.#underWay.delete(sending);
    for (const accountId of accountsOf(sending)) this.#busy.delete(accountId);
    return block;
  }

  /** The accounts of a request under way are out of step from now on. */
  overtake(sending: Sending, block: Block): void {
    this.#underWay.set(sending, block);
    this.block(block);
  }

  /** Requests under way whose accounts are in step. */
  underWayInStep(): readonly Sending[] {
    return [...this.#underWay.keys()].filter((one) => this.#underWay.get(one) === undefined);
  }

  /** Accounts are doubted: they wait until it is clear whether the receiver acknowledges anything. */
  doubt(block: Block): void {
    this.#doubted.add(block);
    for (const accountId of block.acknowledged.keys()) this.#blocks.set(accountId, block);
  }

  doubted(): readonly Block[] {
    return [...this.#doubted];
  }

  /** A doubted account is tried once more, now, by itself. @returns whether it was doubted. */
  probe(accountId: AccountId): boolean {
    const block = this.#blocks.get(accountId);
    if (block === undefined || !this.#doubted.delete(block)) return false;
    this.#blocks.delete(accountId);
    const left = [...block.acknowledged].filter(([one]) => one !== accountId);
    if (left.length > 0) this.doubt({ ...block, acknowledged: new Map(left) });
    return true;
  }

  /** Others are acknowledged: what was doubted is blocked. @returns the accounts concerned. */
  confirm(): ReadonlySet<AccountId> {
    const blocks = [...this.#doubted].map(confirmed);
    this.#doubted.clear();
    for (const block of blocks) this.block(block);
    return new Set(blocks.flatMap((block) => [...block.acknowledged.keys()]));
  }

  /** Accounts are out of step from now on. */
  block(block: Block): void {
    this.#put(block);
    for (const accountId of block.acknowledged.keys()) this.#changed.add(accountId);
  }

  /** What becomes of a block: others, or nothing where its accounts are in step again. */
  replace(block: Block, by: readonly Block[]): void {
    this.#read.delete(block);
    const from = firstWhere(this.#due, (one) => one.nextAttemptAt >= block.nextAttemptAt);
    const at = this.#due.indexOf(block, from);
    if (at >= 0) this.#due.splice(at, 1);
    for (const accountId of block.acknowledged.keys()) {
      this.#blocks.delete(accountId);
      this.#changed.add(accountId);
    }
    for (const one of by) this.block(one);
  }

  /** Accounts that changed since this was last asked, with their block if they have one. */
  takeChanges(): ReadonlyMap<AccountId, Block | undefined> {
    const changes = new Map<AccountId, Block | undefined>();
    for (const accountId of this.#changed) {
      changes.set(accountId, this.isBlocked(accountId) ? this.#blocks.get(accountId) : undefined);
    }
    this.#changed = new Set();
    return changes;
  }

  #put(block: Block): void {
    for (const accountId of block.acknowledged.keys()) this.#blocks.set(accountId, block);
    if (block.status === 'set_aside') return;
    const at = firstWhere(this.#due, (one) => one.nextAttemptAt > block.nextAttemptAt);
    this.#due.splice(at, 0, block);
  }
}

/** The accounts whose events a request carries, some of them several times. */
function accountsOf({ events, block }: Sending): Iterable<AccountId> {
  return block?.acknowledged.keys() ?? events.map(({ accountId }) => accountId);
}
