// docs/cli.md has the tables of commands and exit codes that the program has.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { withTables } from '../../tools/commands-table.ts';

test('the page of the command line has the tables of the program', async () => {
  const page = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  assert.ok(page === withTables(page), 'run: node tools/commands-table.ts');
  assert.match(page, /\| `unwind liquidations list` \|/);
  assert.match(page, /\| 2 \| could not be run/);
});
