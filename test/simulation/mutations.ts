// Shows that the simulation can fail: plants known mistakes, one at a time, in a copy of the sources,
// and tells after how many seeds each is found. By hand, since it takes minutes:
//
//   node test/simulation/mutations.ts [--seeds 40] [--liquidations 20] [--only words] [--from 0]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Mutation, mutations } from './mistakes.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '40' },
    liquidations: { type: 'string', default: '20' },
    from: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
  },
});

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The sources with one mistake in them. */
async function plant(copy: string, mutation: Mutation): Promise<void> {
  for (const { file = mutation.file, from, to } of mutation.edits) {
    const text = await readFile(join(copy, file), 'utf8');
    assert.equal(text.split(from).length, 2, `${file} does not have it once: ${from}`);
    await writeFile(
      join(copy, file),
      text.replace(from, () => to),
    );
  }
}

async function heal(copy: string, mutation: Mutation): Promise<void> {
  for (const { file = mutation.file } of mutation.edits) {
    await cp(join(root, file), join(copy, file));
  }
}

interface Found {
  /** The seed that found it, or how many did not. */
  readonly seeds: number;
  readonly seconds: number;
  /** The first sentence about it; undefined: nothing was found. */
  readonly fault: string | undefined;
}

async function hunt(copy: string): Promise<Found> {
  const { seeds, liquidations } = values;
  const args = ['--seed', '1', '--seeds', seeds, '--liquidations', liquidations];
  const begunAt = performance.now();
  const child = spawn(process.execPath, ['test/simulation/run.ts', ...args], { cwd: copy });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    errors += part;
  });
  const [code] = await once(child, 'exit');
  const ran = out.match(/^seed /gm)?.length ?? 0;
  assert.ok(ran > 0, `the simulation did not run: ${errors}`);
  const finder = Number(/^seed (\d+): \d+ FAULTS/m.exec(out)?.[1]);
  const seconds = Math.round((performance.now() - begunAt) / 1_000);
  const shown = /^FAULT: (.*)$/m.exec(errors)?.[1];
  const fault = code === 0 ? undefined : (shown ?? errors.slice(-200));
  return { seeds: fault === undefined ? ran : finder, seconds, fault };
}

async function huntAll(copy: string): Promise<number> {
  let missed = 0;
  const chosen = mutations
    .slice(Number(values.from))
    .filter(({ name }) => name.includes(values.only));
  for (const mutation of chosen) {
    await plant(copy, mutation);
    const { seeds, seconds, fault } = await hunt(copy);
    await heal(copy, mutation);
    if (fault === undefined) missed += 1;
    const result = fault === undefined ? `NOT FOUND in ${seeds} seeds` : `found by seed ${seeds}`;
    console.log(`${mutation.name}: ${result} in ${seconds} s: ${fault ?? ''}`.slice(0, 300));
  }
  return missed;
}

const copy = await mkdtemp(join(tmpdir(), 'unwind-mutations-'));
try {
  for (const part of [
    'src',
    'packages',
    'test',
    'tools',
    'examples',
    'package.json',
    'tsconfig.json',
  ]) {
    await cp(join(root, part), join(copy, part), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  process.exitCode = (await huntAll(copy)) === 0 ? 0 : 1;
} finally {
  await rm(copy, { recursive: true, force: true });
}
