// Directories are made by processes that start at the same moment.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory } from '../src/file-fault.ts';

test('directories whose parents others make at the same moment are all made', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'unwind-directories-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  for (let round = 0; round < 50; round += 1) {
    const parent = join(root, `${round}/of/both`);
    await Promise.all(names.map((name) => makeDirectory(join(parent, name))));
    assert.deepEqual((await readdir(parent)).toSorted(), names);
  }
});
