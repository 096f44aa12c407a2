// A FIX venue for crash runs: the example acceptor as a process of its own behind a relay that cuts and
// stalls. It has a journal on disk, and what it took and executed is held against the service.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readLedger } from '../../examples/fix/acceptor.ts';
import type { Sql } from '../../src/db/connect.ts';
import { plain } from '../../src/money.ts';
import type { Settings } from '../service/processes.ts';
import { eventually } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import { freePort } from '../support/port.ts';
import { type Proxy as Relay, startProxy } from '../support/proxy.ts';
import type { Lot } from './random.ts';

const acceptor = fileURLToPath(new URL('../../examples/fix/acceptor.ts', import.meta.url));
const mic = 'XDEM';
/** How long a stalled or killed venue stays so, in ms. */
const awayMs = { min: 0, max: 1_500 };

export const venueTroubles = ['kill', 'cut', 'stall'] as const;
export type VenueTrouble = (typeof venueTroubles)[number];

export class Counterparty {
  readonly #journal: string;
  readonly #port: number;
  readonly #proxy: Relay;
  /** What the service is started with. */
  readonly settings: Settings;
  #process: ChildProcess | undefined;

  private constructor(of: { journal: string; port: number; proxy: Relay; settings: Settings }) {
    this.#journal = of.journal;
    this.#port = of.port;
    this.#proxy = of.proxy;
    this.settings = of.settings;
  }

  /** Starts the venue; it ends with the run. */
  static async start(t: AfterTest, folder: string): Promise<Counterparty> {
    const port = await freePort();
    const proxy = await startProxy(t, port);
    const file = join(folder, 'venues.json');
    const profile = {
      type: 'fix',
      mic,
      version: 'FIX.4.4',
      host: '127.0.0.1',
      port: proxy.port,
      sender_comp_id: 'UNWIND',
      target_comp_id: 'ACCEPTOR',
      heartbeat_s: 2,
    };
    await writeFile(file, JSON.stringify({ venues: [profile] }));
    const settings = { UNWIND_VENUES_FILE: file };
    const journal = join(folder, 'acceptor.jsonl');
    const counterparty = new Counterparty({ journal, port, proxy, settings });
    t.after(() => counterparty.#kill());
    await counterparty.#launch();
    return counterparty;
  }

  /** Lets something happen to it. @returns when it is over. */
  async trouble(kind: VenueTrouble, lot: Lot): Promise<void> {
    const ms = lot.between(awayMs.min, awayMs.max);
    switch (kind) {
      case 'kill':
        await this.#kill();
        await wait(ms);
        await this.#launch();
        break;
      case 'cut':
        this.#proxy.cut();
        break;
      case 'stall':
        this.#proxy.fallSilent();
        await wait(ms);
        this.#proxy.cut();
        break;
    }
  }

  async #launch(): Promise<void> {
    const args = [acceptor, '--port', String(this.#port), '--journal', this.#journal];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    await eventually('the acceptor listens', () => text.includes('listens on'), 60_000);
  }

  async #kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Where both ledgers differ: one sentence each. */
  async compare(sql: Sql): Promise<readonly string[]> {
    const ledger = readLedger(this.#journal);
    const again = ledger.filter(({ received }) => received > 1);
    const faults = again.map(({ clientOrderId, received }) => {
      return `order ${clientOrderId} came to the venue ${received} times`;
    });
    const theirs = ledger.flatMap(({ clientOrderId, executions }) => {
      return executions.map(({ execId, quantity, price }) => {
        return `${clientOrderId} ${execId}: ${plain(quantity)} × ${plain(price)}`;
      });
    });
    const rows = await sql<{ line: string }[]>`
      select concat(
        e.client_order_id, ' ', split_part(e.venue_execution_id, '-', 3), ': ',
        trim_scale(e.quantity), ' × ', trim_scale(e.price)
      ) as line
      from unwind_v1.executions e
      where e.venue = ${mic}`;
    const [ours, known] = [new Set(rows.map(({ line }) => line)), new Set(theirs)];
    assert.equal(known.size, theirs.length, 'the venue names each execution once');
    if (ours.size !== rows.length)
      faults.push(`${rows.length - ours.size} executions booked twice`);
    const lost = theirs.filter((line) => !ours.has(line));
    const invented = [...ours].filter((line) => !known.has(line));
    return [
      ...faults,
      ...lost.map((line) => `the venue executed and we do not have ${line}`),
      ...invented.map((line) => `we have and the venue did not execute ${line}`),
    ];
  }
}
