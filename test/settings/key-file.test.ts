// The key file: every way in which it can be wrong has a sentence of its own.

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError } from '../../src/settings/config.ts';
import { openKeyFile } from '../../src/settings/key-file.ts';

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'unwind-key-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function refusalOf(keyFile: string | undefined, home: string): Promise<string> {
  try {
    await openKeyFile({ keyFile, home });
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  assert.fail('it was taken');
}

const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
const bytes = (at: (i: number) => number) =>
  Buffer.from(Array.from({ length: 32 }, (_, i) => at(i)));
const guessed = /holds a key that can be guessed: its bytes are not random/;

const wrong: readonly (readonly [string, string, RegExp])[] = [
  ['nothing', '', /is empty/],
  ['a line end', '\n', /is empty/],
  ['a key in PEM', pem.toString(), /holds a key in PEM/],
  ['bytes as they are', '\u0001\u0002\u0003', /does not hold base64 on one line/],
  [
    'two lines',
    `${randomBytes(16).toString('base64')}\n${randomBytes(16).toString('base64')}`,
    /one line/,
  ],
  ['too few bytes', randomBytes(16).toString('base64'), /holds 16 bytes in base64, and not 32/],
  ['too many bytes', randomBytes(33).toString('base64'), /holds 33 bytes/],
  ['digits of base 16', randomBytes(32).toString('hex'), /holds 48 bytes/],
  ['zeros', bytes(() => 0).toString('base64'), guessed],
  ['one byte again and again', bytes(() => 0xa7).toString('base64'), guessed],
  ['a pattern', bytes((i) => [0xde, 0xad, 0xbe, 0xef][i % 4] ?? 0).toString('base64'), guessed],
  ['counted bytes', bytes((i) => i).toString('base64'), guessed],
  [
    'a sentence',
    Buffer.from('change this key before going live').subarray(0, 32).toString('base64'),
    guessed,
  ],
];

test('a file that holds no random key is refused, and it says what it holds', async (t) => {
  const directory = await newDirectory(t);
  const file = join(directory, 'key');
  for (const [what, text, words] of wrong) {
    await writeFile(file, text, { mode: 0o600 });
    const message = await refusalOf(file, directory);
    assert.match(message, words, what);
    assert.match(message, /A new one is made by \(umask 077; head -c 32 \/dev\/urandom/);
  }
});

test('a file that others than its owner may use is refused', async (t) => {
  const directory = await newDirectory(t);
  const file = join(directory, 'key');
  await writeFile(file, randomBytes(32).toString('base64'));
  for (const mode of [0o640, 0o604, 0o660, 0o602, 0o610, 0o444]) {
    await chmod(file, mode);
    const shown = mode.toString(8).padStart(4, '0');
    assert.equal(
      await refusalOf(file, directory),
      `The key file ${file} is open to others than its owner (mode ${shown}): chmod 600 '${file}' closes it.`,
    );
  }
  for (const mode of [0o600, 0o400]) {
    await chmod(file, mode);
    await openKeyFile({ keyFile: file, home: directory });
  }
});

test('a file that is not there, or is a directory, is refused', async (t) => {
  const directory = await newDirectory(t);
  const missing = join(directory, 'none');
  assert.equal(
    await refusalOf(missing, directory),
    `The key file ${missing} cannot be read: it does not exist.`,
  );
  assert.equal(
    await refusalOf(directory, directory),
    `The key file ${directory} cannot be read: it is a directory.`,
  );
  const beyond = join(missing, 'key');
  await writeFile(missing, '');
  assert.match(await refusalOf(beyond, directory), /a part of the path is not a directory\.$/);
});

test('a sandbox makes its own, closed to others, and keeps it', async (t) => {
  const home = join(await newDirectory(t), 'home');
  await Promise.all([1, 2, 3].map(() => openKeyFile({ keyFile: undefined, home })));
  const made = await readFile(join(home, 'key'), 'utf8');
  assert.equal((await stat(join(home, 'key'))).mode & 0o777, 0o600);
  await openKeyFile({ keyFile: undefined, home });
  assert.equal(await readFile(join(home, 'key'), 'utf8'), made);
});

test('a home where no directory can be made says so', {
  skip: !existsSync('/proc/self'),
}, async () => {
  for (const home of ['/proc/unwind', '/proc/self/un/wind']) {
    const reason =
      /^UNWIND_HOME \S+ cannot be used: (?:its file system makes no directories|the account .* may not use it)\. Choose/;
    assert.match(await refusalOf(undefined, home), reason);
  }
});

test('a home that cannot be a directory says so', async (t) => {
  const directory = await newDirectory(t);
  const file = join(directory, 'file');
  await writeFile(file, '');
  for (const home of [file, join(file, 'below')]) {
    assert.match(
      await refusalOf(undefined, home),
      /^UNWIND_HOME \S+ cannot be used: .*not a directory.*Choose another directory\.$/,
    );
  }
  await mkdir(join(directory, 'home', 'key'), { recursive: true });
  assert.match(await refusalOf(undefined, join(directory, 'home')), /it is a directory/);
});
