// The requests of one subscription that are under way: whose events they carry, and what holds them.

import type { AccountId } from '../ids.ts';
import { accountsOf, type Sending } from './delivery.ts';
import type { Hold } from './hold.ts';

export interface UnderWay {
  readonly accounts: ReadonlySet<AccountId>;
  /** What holds its accounts, if anything does by now. */
  readonly hold: Hold | undefined;
}

export class RequestsUnderWay {
  readonly #requests = new Map<Sending, UnderWay>();
  readonly #busy = new Set<AccountId>();

  get size(): number {
    return this.#requests.size;
  }

  /** How many of them carry events of accounts that are held. */
  get heldSize(): number {
    return [...this.#requests.values()].filter(({ hold }) => hold !== undefined).length;
  }

  /** Whether a request of an account is under way. */
  isBusy(accountId: AccountId): boolean {
    return this.#busy.has(accountId);
  }

  begin(sending: Sending, accounts = accountsOf(sending)): ReadonlySet<AccountId> {
    this.#requests.set(sending, { accounts, hold: sending.hold });
    for (const accountId of accounts) this.#busy.add(accountId);
    return accounts;
  }

  /** Its accounts are held from now on. */
  hold(sending: Sending, hold: Hold): void {
    const accounts = this.#requests.get(sending)?.accounts ?? accountsOf(sending);
    this.#requests.set(sending, { accounts, hold });
  }

  /** @returns what holds its accounts by now. */
  end(sending: Sending): Hold | undefined {
    const ended = this.#requests.get(sending);
    this.#requests.delete(sending);
    for (const accountId of ended?.accounts ?? []) this.#busy.delete(accountId);
    return ended?.hold;
  }

  /** The one that a condition holds for, if there is one. */
  find(
    holds: (sending: Sending, underWay: UnderWay) => boolean,
  ): { readonly sending: Sending; readonly accounts: ReadonlySet<AccountId> } | undefined {
    for (const [sending, underWay] of this.#requests) {
      if (holds(sending, underWay)) return { sending, accounts: underWay.accounts };
    }
    return undefined;
  }
}
