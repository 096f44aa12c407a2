// The requests of one subscription that are under way: whose events they carry, and what holds them.

import type { AccountId } from '../ids.ts';
import type { Sending } from './delivery.ts';
import type { Hold } from './hold.ts';

export class RequestsUnderWay {
  /** Each with what holds its accounts, if anything does by now. */
  readonly #requests = new Map<Sending, Hold | undefined>();
  readonly #busy = new Set<AccountId>();

  get size(): number {
    return this.#requests.size;
  }

  /** How many of them carry events of accounts that are held. */
  get heldSize(): number {
    return [...this.#requests.values()].filter((hold) => hold !== undefined).length;
  }

  /** Whether a request of an account is under way. */
  isBusy(accountId: AccountId): boolean {
    return this.#busy.has(accountId);
  }

  begin(sending: Sending): void {
    this.#requests.set(sending, sending.hold);
    for (const accountId of accountsOf(sending)) this.#busy.add(accountId);
  }

  /** Its accounts are held from now on. */
  hold(sending: Sending, hold: Hold): void {
    this.#requests.set(sending, hold);
  }

  /** @returns what holds its accounts by now. */
  end(sending: Sending): Hold | undefined {
    const hold = this.#requests.get(sending);
    this.#requests.delete(sending);
    for (const accountId of accountsOf(sending)) this.#busy.delete(accountId);
    return hold;
  }

  /** The first whose accounts are not held and that a condition holds for. */
  findFree(holds: (sending: Sending) => boolean): Sending | undefined {
    for (const [sending, hold] of this.#requests) {
      if (hold === undefined && holds(sending)) return sending;
    }
    return undefined;
  }
}

/** The accounts whose events a request carries, some of them several times. */
function accountsOf({ events, hold }: Sending): Iterable<AccountId> {
  return hold?.afters.keys() ?? events.map(({ accountId }) => accountId);
}
