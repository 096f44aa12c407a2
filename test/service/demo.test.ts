// `npm run demo` from the outside: it ends well, says what it should, and leaves nothing behind,
// also when it is interrupted wherever it happens to be.
// Long by nature: it runs the demo.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sendSignal } from '../../src/embedded/embedded-process.ts';
import { eventually } from '../support/condition.ts';
import { onlyFull } from '../support/length.ts';
import { databasesOn, newHome, patienceMs, programEnvironment } from './processes.ts';

const demo = fileURLToPath(new URL('../../examples/demo/run.ts', import.meta.url));
const run = promisify(execFile);

/** Starts the demo in a process group of its own, as a shell does, with its own place for files. */
async function startDemo(t: TestContext, ...args: readonly string[]) {
  const directory = dirname(await newHome(t));
  // Settings of whoever runs the demo must not lead it to another database or mode.
  const foreign = { DATABASE_URL: 'postgres://127.0.0.1:1/other', UNWIND_MODE: 'live', PORT: '1' };
  const child = spawn(process.execPath, [demo, ...args], {
    env: programEnvironment({ TMPDIR: directory, ...foreign }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  assert.ok(pid !== undefined);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said.out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said.err += chunk;
  });
  const closed = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    if ((await groupOf(pid)).length > 0) sendSignal(-pid, 'SIGKILL');
    await closed;
  });
  const checkNothingIsLeft = async (): Promise<void> => {
    assert.deepEqual(await groupOf(pid), [], 'no process is left');
    assert.deepEqual(await databasesOn(directory), [], 'no database is left');
    assert.deepEqual(await readdir(directory), [], 'no file is left');
  };
  return { pid, directory, said, closed, checkNothingIsLeft };
}

test('the demo knows no other option', async (t) => {
  const { said, closed } = await startDemo(t, '--fast');
  assert.equal(await closed, 2);
  assert.equal(said.err, 'demo: "--fast" is not known; the options are --tls and --keep.\n');
});

async function groupOf(leader: number): Promise<readonly string[]> {
  const { stdout } = await run('ps', ['-A', '-ww', '-o', 'pgid=,pid=,args=']);
  return stdout.split('\n').filter((line) => Number.parseInt(line, 10) === leader);
}

for (const args of [[], ['--tls']] as const) {
  test(
    `the demo sells a portfolio, cancels another sale, and passes its audit${args.length > 0 ? ', over TLS' : ''}`,
    onlyFull,
    async (t) => {
      const { said, closed, checkNothingIsLeft } = await startDemo(t, ...args);
      assert.equal(await closed, 0, said.out + said.err);
      assert.equal(said.err, '');
      const inOrder = [
        'The service and its book',
        '✓ example book imported',
        '✓ token for client',
        'ACCOUNT_LIQUIDATION.NEW        verified: EUR 35,521.09',
        'ACCOUNT_LIQUIDATION.PROCESSING verified: EUR 35,521.09, 0 of 10 orders filled',
        'ACCOUNT_LIQUIDATION.FILLED     verified: EUR 35,521.09, 10 of 10 orders filled',
        '✓ NEW, PROCESSING, FILLED: once each, in order',
        '✓ 14 executions add up to EUR 35,521.09, to the cent',
        '✓ each of the 10 positions was sold to the last unit, and only once',
        '✓ GET one: the bytes of the FILLED event',
        '✓ DELETE: 409, Only a NEW liquidation can be cancelled; this one is FILLED.',
        '✓ DELETE in time: 204',
        '✓ CANCELLED, and nothing was sold',
        '✓ GET /events: the same 5 events that were delivered, by their ids',
        '✓ a delivery with another amount in it: refused with 401',
        'All is well:',
        '✓ recomputed from executions',
      ];
      let from = 0;
      for (const text of inOrder) {
        const at = said.out.indexOf(text, from);
        assert.ok(at >= 0, `after ${JSON.stringify(said.out.slice(0, from))} comes ${text}`);
        from = at + text.length;
      }
      const longest = Math.max(...said.out.split('\n').map((line) => line.length));
      assert.ok(longest <= 110, `a line has ${longest} characters`);
      await checkNothingIsLeft();
    },
  );
}

test('the demo stays with --keep, and its link lets one person in', onlyFull, async (t) => {
  const { pid, said, closed, checkNothingIsLeft } = await startDemo(t, '--keep');
  const address = /(http:\S+)\/console\/liquidations\/[\w-]+#sign-in=([\w-]+)/;
  await eventually('a link', () => address.test(said.out), patienceMs);
  const [, url = '', link] = address.exec(said.out) ?? [];
  const headers = { origin: url, 'x-unwind-console': '1', 'content-type': 'application/json' };
  const body = JSON.stringify({ link });
  const reply = await fetch(`${url}/console/sign-in`, { method: 'POST', headers, body });
  assert.equal(reply.status, 204);
  process.kill(-pid, 'SIGINT');
  assert.equal(await closed, 0, said.out + said.err);
  await checkNothingIsLeft();
});

describe('Ctrl-C', () => {
  type Demo = Awaited<ReturnType<typeof startDemo>>;
  const hasSaid = (text: string) => (demo: Demo) => demo.said.out.includes(text);
  const hasDatabase = async (demo: Demo) => (await databasesOn(demo.directory)).length > 0;
  const moments = [
    { what: 'while the service starts', isNow: hasSaid('The service and its book'), ...onlyFull },
    { what: 'while the database starts', isNow: hasDatabase },
    { what: 'while the book is imported', isNow: hasSaid('service on'), ...onlyFull },
    { what: 'while a portfolio is being sold', isNow: hasSaid('ACCOUNT_LIQUIDATION.PROCESSING') },
    { what: 'while the audit runs', isNow: hasSaid('The audit'), ...onlyFull },
  ];
  for (const { what, isNow, ...options } of moments) {
    test(`${what} leaves nothing behind`, options, async (t) => {
      const started = await startDemo(t);
      const { pid, said, closed, checkNothingIsLeft } = started;
      await eventually(what, () => isNow(started), patienceMs);
      // The terminal tells all of them; npm then tells the first one again.
      process.kill(-pid, 'SIGINT');
      process.kill(pid, 'SIGINT');
      assert.equal(await closed, 130, said.out + said.err);
      assert.match(said.err, /✗ stopped by SIGINT/);
      await checkNothingIsLeft();
    });
  }
});
