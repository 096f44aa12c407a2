// `npm test` with files that fail in every way: each fails the run, and is named.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { bundle } from '../../tools/test-bundle.ts';
import { groupsOf, writeEntries } from '../../tools/test-groups.ts';

const reporter = new URL('../../tools/test-reporter.ts', import.meta.url).href;
const head = `import { after, test } from 'node:test';\n`;
const good = `${head}test('goes well', () => {});\n`;

/** Runs test files in one process, as `npm test` does. */
async function runTests(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  ...flags: readonly string[]
) {
  const directory = await mkdtemp(join(tmpdir(), 'unwind-test-command-'));
  t.after(() => rm(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, `${name}.test.ts`), content);
  }
  const groups = await groupsOf([directory]);
  assert.equal(groups.length, 1, 'they share a process');
  const { entries, index } = await writeEntries(directory, groups);
  const how = [`--test-reporter=${reporter}`, '--test-reporter-destination=stdout', ...flags];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--test', ...how, ...entries], {
    env: { ...env, UNWIND_TEST_GROUPS: index },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const said = await text(child.stdout);
  const [code] = await exited;
  const paths = Object.keys(files).map((name) => join(directory, `${name}.test.ts`));
  return { code, said, files: paths };
}

test('a file that changes what its process shares says that it runs alone', async () => {
  for await (const path of glob('test/**/*.test.ts')) {
    const content = await readFile(path, 'utf8');
    if (!/^(drawIdsFrom\(|process\.env\[.*\] =)/m.test(content)) continue;
    assert.match(content, /^\/\/ (Runs alone|Long by nature): /m, path);
  }
});

test('what is long by nature is left out of a short run, and alone in others', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'unwind-test-command-'));
  t.after(() => rm(directory, { recursive: true }));
  const [short, long] = ['short', 'long'].map((name) => join(directory, `${name}.test.ts`));
  assert.ok(short && long);
  await writeFile(short, good);
  await writeFile(long, `// Long by nature: it starts services.\n${good}`);
  assert.deepEqual(await groupsOf([directory], { isShort: true }), [[short]]);
  assert.deepEqual(await groupsOf([directory]), [[long], [short]]);
});

test('tests go by their files, and are counted without them', async (t) => {
  const { code, said, files } = await runTests(t, { one: good, two: good });
  assert.equal(code, 0, said);
  for (const file of files) assert.match(said, new RegExp(`✔ ${RegExp.escape(file)}`));
  assert.match(said, /^ℹ tests 2$/m);
});

test('one that fails is named with its file, and the others are run', async (t) => {
  const bad = `${head}test('goes badly', () => { throw new Error('so it is'); });\n`;
  const { code, said } = await runTests(t, { bad, good });
  assert.equal(code, 1);
  assert.match(said, /test at \S*bad\.test\.ts:2:1\n✖ goes badly/);
  assert.match(said, /^ℹ pass 1$/m);
});

test('only those are run whose names are asked for', async (t) => {
  const other = `${head}test('is something else', () => { throw new Error(); });\n`;
  const { code, said } = await runTests(t, { good, other }, '--test-name-pattern=goes well');
  assert.equal(code, 0, said);
  assert.match(said, /^ℹ tests 1$/m);
});

test('hooks of a file are run behind its own tests', async (t) => {
  const first = `${head}let isOver = false;
after(() => { isOver = true; });
test('before its hook', () => { if (isOver) throw new Error(); });\n`;
  const { code, said } = await runTests(t, { first, good });
  assert.equal(code, 0, said);
});

for (const [what, content, words] of [
  ['cannot be loaded', `import './nowhere.ts';\n`, /✖ \S*bad\.test\.ts/],
  [
    'hangs',
    `${head}test('hangs', { timeout: 100 }, () => new Promise(() => {}));\n`,
    /✖ hangs[\s\S]*timed out after 100ms/,
  ],
  [
    'ends its process well',
    `${head}test('ends', () => process.exit(0));\n`,
    /✖ the process of (?=.*bad\.test\.ts)(?=.*good\.test\.ts)/,
  ],
  [
    'is killed',
    `${head}test('dies', () => process.kill(process.pid, 'SIGKILL'));\n`,
    /✖ the process of (?=.*bad\.test\.ts)(?=.*good\.test\.ts)/,
  ],
] as const) {
  test(`one that ${what} fails the run, and is named`, async (t) => {
    const { code, said } = await runTests(t, { bad: content, good });
    assert.equal(code, 1, said);
    assert.match(said, words);
  });
}

test('what is run in place of a file comes whole to its place, also beside another run', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'unwind-test-command-'));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, 'one.ts');
  await writeFile(file, 'export const one = 1;\n');
  const make = async () => {
    const [path] = (await bundle([file]))?.values() ?? [];
    assert.ok(path);
    return { path, ...(await stat(path)) };
  };
  const [first, beside] = await Promise.all([make(), make()]);
  t.after(() => Promise.all([rm(first.path), rm(`${first.path}.map`)]).then(() => {}));
  assert.equal(first.path, beside.path);
  const kept = await make();
  assert.equal((await make()).ino, kept.ino, 'what is there stays');
  await truncate(first.path, 10);
  const mended = await make();
  assert.equal(mended.size, first.size);
  assert.notEqual(mended.ino, kept.ino, 'who reads the old one goes on to read that');
});
