// The scenarios of the bench run, with next to no data: the figures mean nothing here. One of them in
// `npm run test:long`, all of them in `npm run test:full`.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isFull } from '../support/length.ts';

const program = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));

async function bench(...args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exited;
  return { code, stdout, stderr };
}

// It starts eight services one after the other.
const timeout = 300_000;

const scenarios = isFull
  ? ['create', 'read', 'liquidate', 'flood', 'fairness', 'batch', 'deliver', 'fix', 'log']
  : ['create'];

test('scenarios run and print their figures beside their floors', { timeout }, async () => {
  const named = isFull ? [] : scenarios;
  const { code, stdout, stderr } = await bench(...named, '--tiny', '--json');
  assert.equal(code, 0, stderr);
  const figures = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const members = ['scenario', 'value', 'unit', 'against', 'against_value', 'ratio', 'goal'];
  for (const figure of figures) {
    assert.deepEqual(Object.keys(figure), members);
    assert.ok(figure.value > 0 && figure.against_value > 0, JSON.stringify(figure));
  }
  const told = new Set(figures.map((figure) => figure.scenario));
  assert.deepEqual([...told], scenarios);
});

test('a scenario that is not there is named, with those that are', async () => {
  const { code, stderr } = await bench('nonsense');
  assert.equal(code, 2);
  assert.match(stderr, /^There is no scenario nonsense; there are create, /);
});
