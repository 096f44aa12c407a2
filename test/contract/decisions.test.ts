// The index of what is promised: every point of the contract page names the tests that prove it, and
// those tests are there.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decisions, type Point } from './decisions.ts';
import { dialectSections } from './dialects.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The names of the tests of a file; what a name is filled with is `…`. */
async function testsOf(file: string): Promise<readonly string[]> {
  const text = await readFile(join(root, file), 'utf8');
  const calls = text.matchAll(/\btest\(\s*(['"`])((?:\\.|(?!\1).)*)\1\s*,(\s*\{[^}]*skip)?/g);
  return [...calls].flatMap(([, , name = '', skipped]) => {
    return skipped === undefined ? [name.replaceAll(/\$\{[^}]*\}/g, '…')] : [];
  });
}

async function assertProven({ promises }: Point): Promise<void> {
  assert.ok(Object.keys(promises).length > 0);
  for (const [promise, proofs] of Object.entries(promises)) {
    assert.ok(proofs.length > 0, promise);
    for (const [file, ...names] of proofs) {
      const known = await testsOf(file);
      assert.ok(names.length > 0, `${promise}: ${file}`);
      for (const name of names) {
        const isThere = known.some((one) => one.startsWith(name));
        assert.ok(isThere, `${promise}: ${file} has no test “${name}…”; see test/contract`);
      }
    }
  }
}

for (const [number, point] of Object.entries(decisions)) {
  test(`point ${number}, ${point.about}: every promise has its tests`, () => assertProven(point));
}

for (const [number, section] of Object.entries(dialectSections)) {
  test(`section ${number} of the dialects, ${section.about}: it has its tests`, () => {
    return assertProven(section);
  });
}

test('there are seventeen points and eleven sections', () => {
  assert.deepEqual(
    Object.keys(decisions).map(Number),
    [...Array(17).keys()].map((at) => at + 1),
  );
  assert.equal(Object.keys(dialectSections).length, 11);
});

test('every point is found by its number among the names of tests', async () => {
  const entries = await readdir(join(root, 'test'), { recursive: true });
  const files = entries.filter((file) => file.endsWith('.test.ts'));
  const names = (await Promise.all(files.map((file) => testsOf(join('test', file))))).flat();
  for (const number of Object.keys(decisions)) {
    const found = names.filter((name) => name.startsWith(`point ${number}: `));
    assert.ok(found.length > 0, `no test begins with “point ${number}: ”`);
  }
});
