// What a person reads whose Node is older than the one that runs TypeScript, and that the command of a checkout
// runs as it is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

async function findOldNode(): Promise<string | undefined> {
  for (const node of ['/usr/bin/node', '/usr/local/bin/node']) {
    try {
      const { stdout } = await run(node, ['--version']);
      if (Number(/^v(\d+)/.exec(stdout)?.[1]) < 24) return node;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return undefined;
}

const old = await findOldNode();

test('the command of a checkout needs no build', async () => {
  const { stdout } = await run(process.execPath, ['bin/unwind.js', '--version'], { cwd: root });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test('every script says what to do on an old Node', {
  skip: old === undefined && 'no old Node here',
}, async () => {
  const { scripts } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  const commands = Object.values(scripts).filter((script) => script.includes('.ts'));
  assert.ok(commands.length > 8);
  for (const command of [...commands, 'node bin/unwind.js start']) {
    const [program, ...args] = command.split(' && ')[0]?.split(' ') ?? [];
    assert.equal(program, 'node', command);
    const how = await run(old ?? '', args, { cwd: root }).then(
      () => assert.fail(`${command} ran`),
      (error: { code: number; stderr: string; stdout: string }) => error,
    );
    assert.deepEqual([how.code, how.stdout], [2, ''], command);
    assert.match(
      how.stderr,
      /^unwind: Node 24 or newer is needed; \S+ is \d+\.\S+\.\nnpm brings Node 24/,
    );
    assert.doesNotMatch(how.stderr, /ERR_|\n\s+at /);
  }
});
