// What a seed means: how many of everything there are, and which troubles a run meets how often. Seeds
// differ in kind, not only in order: a trouble that is always there hides what only shows without it.
import type { Lot } from '../crash/random.ts';
import type { Fate, StepOfTransaction } from './connection.ts';

export interface Plan {
  readonly tenants: number;
  readonly processes: number;
  /** Customers who ask at the same time. */
  readonly customers: number;
  readonly stickiness: number;
  readonly releaseDelayMs: number;
  /** Market time within which the venue reports. */
  readonly venueDelayMs: number;
  /** How long the server takes to commit, in ms; what commits meanwhile does not wait for it. */
  readonly commitMs: number;
  /** How often a transaction that has changed something lingers before its commit, from 0 to 1. */
  readonly lingers: number;
  /** How often another process looks at once for what one has left to do, from 0 to 1. */
  readonly rivalry: number;
  /** How many times longer a loop rests each time it finds nothing. */
  readonly restGrowth: number;
  /** How far clocks of processes are off at most. */
  readonly skewMsMax: number;
  /** Most instruments of an account: so many orders of one liquidation end beside each other. */
  readonly positionsMax: number;
  /** Longest pause of a customer between two requests. */
  readonly thinkMsMax: number;
  /** Subscriptions of a tenant at the beginning, at most. */
  readonly subscriptions: number;
  /** Longest pause between two changes of subscriptions; undefined: nobody changes any. */
  readonly changesMsMax: number | undefined;
  /** Longest pause between two replays of one more client; undefined: there is none. */
  readonly replaysMsMax: number | undefined;
  /** Batches of accounts that are started meanwhile. */
  readonly batches: number;
  /** Longest pause of a person who halts and limits; undefined: there is none. */
  readonly officerMsMax: number | undefined;
  /** How often that person limits instead of halting, from 0 to 1. */
  readonly limitsShare: number;
  /** Whether that person limits before anything is sold. */
  readonly limitsFirst: boolean;
  /** Whether a keeper of the holdings is asked. */
  readonly hasKeeper: boolean;
  /** How long what a receiver refuses is tried before it is set aside. */
  readonly setAsideMs: number;
  /** Chances from 0 to 1, each for one statement, call or delivery. */
  readonly chances: Readonly<Record<Trouble, number>>;
}

export type Trouble =
  | 'statement_refused'
  | 'connection_lost'
  | 'process_killed'
  | 'venue_silent'
  | 'venue_slow'
  | 'sender_asleep'
  | 'receiver_fails'
  | 'receiver_silent'
  | 'market_halts'
  | 'transaction_pauses'
  | 'statement_slow';

const usual: Readonly<Record<Trouble, number>> = {
  statement_refused: 0.006,
  connection_lost: 0.006,
  process_killed: 0.002,
  venue_silent: 0.15,
  venue_slow: 0.2,
  sender_asleep: 0.04,
  receiver_fails: 0.1,
  receiver_silent: 0.05,
  market_halts: 0.3,
  transaction_pauses: 0.04,
  statement_slow: 0.03,
};

/** A commit whose answer is lost is worth more than another statement. */
const commitTimes = 4;
const behindReadTimes = 3;
/** Some processes pause much more often than the others, which pass them by. */
const slowProcess = { chance: 0.3, times: 6 };
const shortPauseMs = 30;
const longPauseMs = 1_500;
const lingerMsMax = 600;
/** Most that one customer asks for, one after the other: a long run with few customers is mostly rests. */
const liquidationsPerCustomerMax = 25;

export function planOf(lot: Lot, { liquidations }: { readonly liquidations: number }): Plan {
  const oneOf = <T>(...choices: readonly [T, ...T[]]): T => {
    return choices[lot.between(0, choices.length - 1)] ?? choices[0];
  };
  const chances = { ...usual };
  for (const name of Object.keys(usual) as Trouble[]) chances[name] *= oneOf(0, 0.3, 1, 1, 2.5);
  return {
    tenants: oneOf(1, 2, 3),
    processes: oneOf(1, 2, 2, 3, 4),
    customers: Math.max(oneOf(6, 24, 48, 96), Math.ceil(liquidations / liquidationsPerCustomerMax)),
    stickiness: oneOf(0, 0.5, 0.8, 0.95),
    releaseDelayMs: oneOf(0, 0, 40, 400),
    venueDelayMs: oneOf(0, 50, 800),
    commitMs: oneOf(0, 0, 0, 60),
    lingers: oneOf(0, 0.1, 0.5),
    rivalry: oneOf(0.3, 1),
    restGrowth: oneOf(2, 8, 8),
    skewMsMax: oneOf(0, 5, 300),
    thinkMsMax: oneOf(0, 20, 200, 2_000),
    subscriptions: oneOf(1, 2, 4),
    changesMsMax: oneOf<number | undefined>(undefined, 400, 2_000, 2_000),
    replaysMsMax: oneOf<number | undefined>(undefined, 100, 600),
    batches: oneOf(0, 1, 2, 4),
    positionsMax: oneOf(3, 3, 6),
    officerMsMax: oneOf<number | undefined>(undefined, 200, 800, 3_000),
    limitsShare: oneOf(0.3, 0.3, 0.9),
    limitsFirst: oneOf(false, false, true),
    hasKeeper: oneOf(false, true),
    setAsideMs: oneOf(2_000, 8_000, 60_000),
    chances,
  };
}

/** Draws what goes wrong, until the run is to come to an end. */
export class Troubles {
  readonly #plan: Plan;
  readonly #lot: Lot;
  /** True once nothing is to go wrong any more. */
  isOver = false;
  /** How often each trouble happened. */
  readonly counts = new Map<string, number>();

  constructor(plan: Plan, lot: Lot) {
    this.#plan = plan;
    this.#lot = lot;
  }

  /** @param times how much more likely than usual. */
  happens(trouble: Trouble, times = 1): boolean {
    const isIt = !this.isOver && this.#lot.next() < this.#plan.chances[trouble] * times;
    if (isIt) this.#count(trouble);
    return isIt;
  }

  /** What happens to a statement. */
  fateOf(text: string): Fate {
    const times = text === 'commit' ? commitTimes : 1;
    if (this.happens('process_killed', times)) return { type: 'killed', when: this.#when() };
    if (this.happens('connection_lost', times)) return { type: 'lost', when: this.#when() };
    const isRefused = text !== 'rollback' && this.happens('statement_refused');
    if (!isRefused) return { type: 'well' };
    const codes = ['40001', '40001', '40P01', '57014', '55P03'] as const;
    const code = codes[this.#lot.between(0, codes.length - 1)] ?? codes[0];
    this.#count(code);
    return { type: 'error', code };
  }

  /**
   * How long a transaction pauses before its next statement, in ms: most of all between what it has
   * read and what it makes of it, since that is where another one must not come in between; and in some seeds
   * before its commit, so that others come to what it has changed and they cannot see yet.
   * @param slowness how much more often the process does so than others.
   */
  pauseOf({ isBehindRead, isCommit }: StepOfTransaction, slowness = 1): number {
    const lingers = isCommit && !this.isOver ? this.#plan.lingers : 0;
    if (lingers > 0 && this.#lot.next() < lingers) return this.#lot.between(1, lingerMsMax);
    const times = isBehindRead && !isCommit ? behindReadTimes : 1;
    return this.happens('transaction_pauses', times * slowness) ? this.#drawPauseMs() : 0;
  }

  /**
   * How long the answer to a statement is under way, in ms: the server is slow to write, or the network to
   * carry. Meanwhile it has taken effect, and what this process asks for next is collected behind it.
   */
  slownessOf({ commits }: { commits: boolean }, slowness = 1): number {
    const commitMs = commits && !this.isOver ? this.#plan.commitMs : 0;
    return commitMs + (this.happens('statement_slow', slowness) ? this.#drawPauseMs() : 0);
  }

  /** How much more often a new process pauses than usual. */
  drawSlowness(): number {
    return this.#lot.next() < slowProcess.chance ? slowProcess.times : 1;
  }

  #drawPauseMs(): number {
    return this.#lot.between(1, this.#lot.next() < 0.5 ? shortPauseMs : longPauseMs);
  }

  #when(): 'before' | 'after' {
    return this.#lot.next() < 0.5 ? 'before' : 'after';
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
