// Asks about orders that were open before a connection: each by itself (H), or all at once (AF) and then
// those that the answer leaves out. What comes back is read like any report.

import type { Clock } from '../../clock.ts';
import type { Sql } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { type Field, fieldOf } from './codec.ts';
import { queueQuestions } from './outbox-store.ts';
import type { FixProfile } from './profile.ts';
import type { Received } from './receive-messages.ts';
import { orderMassStatusRequest } from './requests.ts';
import type { Writer } from './session-store.ts';

export interface AskingOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly profile: FixProfile;
  readonly writer: Writer;
}

export class StatusQuestions {
  readonly #options: AskingOptions;
  /** A mass status request whose answer is not complete, and the orders it has named so far. */
  #mass: { readonly id: string; readonly named: Set<string> } | undefined;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** Queues what is to be asked, or returns the one message that asks for all. */
  async begin(isNewDay: boolean): Promise<readonly Field[] | undefined> {
    const { profile, writer } = this.#options;
    const { status_requests: how = 'single', cancel_on_disconnect: cancels = false } = profile;
    if (how === 'none' || !(isNewDay || cancels)) return undefined;
    if (how === 'single') {
      await this.#ask([]);
      return undefined;
    }
    const id = `${writer.day}-${writer.epoch}`;
    this.#mass = { id, named: new Set() };
    return orderMassStatusRequest(id);
  }

  /** Looks for the answer in messages that count. @returns whether something was queued. */
  async read(received: readonly Received[]): Promise<boolean> {
    const mass = this.#mass;
    if (mass === undefined) return false;
    for (const { message } of received) {
      if (fieldOf(message, 584) !== mass.id) continue;
      mass.named.add(fieldOf(message, 11) ?? '');
      if (fieldOf(message, 912) !== 'Y' && fieldOf(message, 911) !== '0') continue;
      this.#mass = undefined;
      await this.#ask([...mass.named]);
      return true;
    }
    return false;
  }

  async #ask(except: readonly string[]): Promise<void> {
    const { sql, clock, profile, writer } = this.#options;
    const { venue, day } = writer;
    const isOfTodayToo = profile.cancel_on_disconnect ?? false;
    const of = { venue, day, isOfTodayToo, except, now: clock.now() };
    await inTransaction(sql, (tx) => queueQuestions(tx, of));
  }
}
