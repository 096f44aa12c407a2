// Every command in the pages for integrators is run, and prints what the page says it prints.
// Long by nature: it starts services, and runs what the pages say.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { problemKinds } from '../../src/http/problem.ts';
import {
  environmentOf,
  newHomeOnServer,
  programEnvironment,
  startService,
} from '../service/processes.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { startHttp } from '../support/http.ts';
import { mainFile } from '../support/main-file.ts';
import { allBlocks, blocksOf, textOf } from './pages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'unwind-docs-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('a request can be signed by hand as the page says, to the byte', async (t) => {
  const { sql } = await createTestDatabase(t);
  const service = await startHttp(t, { sql, clock: testClock() });
  const directory = await newDirectory(t);
  const command = join(directory, 'unwind');
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${mainFile}' "$@"\n`);
  await chmod(command, 0o755);
  const env = programEnvironment({
    PATH: `${directory}:${process.env['PATH']}`,
    UNWIND_HOME: join(directory, 'home'),
    BASE_URL: `http://127.0.0.1:${service.port}`,
  });
  let printed = '';
  let compared = 0;
  for (const { language, text } of await blocksOf('signing.md')) {
    if (language === 'text') {
      assert.equal(printed.trimEnd(), text.trimEnd());
      compared += 1;
      continue;
    }
    const ended = await run('bash', ['--norc', '-euc', text], { cwd: directory, env });
    assert.equal(ended.stderr, '', text);
    printed = ended.stdout;
    if (language === 'sh sandbox') assert.match(printed, /^\{"verdict":"refused"/);
    else assert.equal(language, 'sh');
  }
  assert.ok(compared >= 6);
});

test('the page of errors lists every error there is, with its status', async () => {
  const rows = (await textOf('errors.md')).matchAll(/^\| (\d{3}) \| `([a-z_]+)` \|/gm);
  const listed = [...rows].map(([, status, code]) => [code ?? '', Number(status)]);
  const known = Object.entries(problemKinds).map(([code, { status }]) => [code, status]);
  assert.deepEqual(Object.fromEntries(listed), Object.fromEntries(known));
});

test('the commands of the other pages work in the order of the pages', async (t) => {
  const home = await newHomeOnServer(t);
  await startService(t, { home });
  // Those of the tests are no settings of the service, which refuses what it does not know.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('UNWIND_'));
  const env = { ...Object.fromEntries(inherited), ...environmentOf({ home }) };
  const others = (await allBlocks('sh')).filter(({ page }) => page !== 'signing.md');
  assert.ok(others.length >= 3);
  for (const { page, text } of others) {
    await run('bash', ['--norc', '-euc', text], { cwd: root, env }).catch((error) => {
      assert.fail(`${page}: ${text}\n${error.stdout}${error.stderr}`);
    });
  }
});
