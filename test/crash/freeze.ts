// Frozen processes by hand:
//
//   node test/crash/freeze.ts --rounds 10 --seed 42
//
// Two services share a database. In each round one of them is stopped with SIGSTOP in the middle of
// the work, for longer than its leases last, so that the other takes over; then it goes on as if
// nothing had happened. The audit after each round must find nothing: what the frozen one still had
// to send or to write must have no effect. Exits with 1 if anything was wrong.
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Client } from '../../src/client/client.ts';
import { submissionLeaseMs } from '../../src/limits.ts';
import { clientOf } from '../../src/request-command.ts';
import { readSandboxClient } from '../../src/sandbox.ts';
import { newHome, runUnwind, startService } from '../service/processes.ts';
import type { AfterTest } from '../support/database.ts';
import { type Candidate, drawAccounts, writeBook } from './book.ts';
import { cleanly } from './cleanly.ts';
import { lotOf } from './random.ts';

const accountsOfRound = 90;
/** Time for the other one to take over everything, and for the thawed one to do its worst. */
const frozenMs = submissionLeaseMs + 4_000;
const thawedMs = 500;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
    },
  });
  const differences = await cleanly((t) => freeze(t, Number(values.rounds), Number(values.seed)));
  process.stdout.write(`seed ${values.seed}: ${differences} differences\n`);
  return differences === 0 ? 0 : 1;
}

/** @returns how many differences the last audit has found. */
async function freeze(t: AfterTest, rounds: number, seed: number): Promise<number> {
  const lot = lotOf(seed);
  const home = await newHome(t);
  const settings = {
    UNWIND_LOG_LEVEL: 'error',
    UNWIND_RELEASE_DELAY_MS: '0',
    UNWIND_VENUE_DELAY_MS: '100',
  };
  const frozen = await startService(t, { home, settings });
  const other = await startService(t, { home, settings });
  const candidates = drawAccounts(lot, rounds * accountsOfRound);
  const directory = join(dirname(home), 'book');
  await writeBook(directory, candidates);
  const imported = await runUnwind(t, ['import', directory], { home, settings });
  assert.equal(imported.code, 0, imported.stdout);
  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox !== undefined);
  const client = await clientOf({ ...sandbox, base_url: other.url });
  let differences = 0;
  for (let round = 0; round < rounds; round += 1) {
    const own = candidates.slice(round * accountsOfRound, (round + 1) * accountsOfRound);
    const selling = sellAll(client, own);
    await wait(lot.between(100, 900));
    frozen.kill('SIGSTOP');
    await selling;
    await wait(frozenMs);
    frozen.kill('SIGCONT');
    await wait(thawedMs);
    const audit = await runUnwind(t, ['audit', '--json'], { home, settings });
    const report = JSON.parse(audit.stdout) as { difference_count: number };
    differences = report.difference_count;
    process.stdout.write(`round ${round + 1} of ${rounds}: ${differences} differences\n`);
  }
  return differences;
}

async function sellAll(client: Client, candidates: readonly Candidate[]): Promise<void> {
  const left = [...candidates];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const answer = await client.send({
        method: 'POST',
        target: `/accounts/${next.accountId}/liquidations`,
        json: { user_id: next.userId },
        idempotencyKey: randomUUID(),
      });
      assert.equal(answer.status, 202, answer.text);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
}
