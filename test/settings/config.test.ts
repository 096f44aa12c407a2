// Settings: each is checked, all wrong ones are told at once, and the page about them is current.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, readConfig } from '../../src/settings/config.ts';
import { configurationPage } from '../../tools/configuration-table.ts';

test('point 17: defaults are those of a sandbox on loopback', async () => {
  const config = await readConfig({});
  assert.equal(config.mode, 'sandbox');
  assert.equal(config.listen.host, '127.0.0.1');
  assert.equal(config.listen.port, 8080);
  assert.equal(config.database.url, undefined);
  assert.equal(config.liquidations.releaseDelayMs, 2000);
});

test('point 17: live mode releases at once, and needs a key file and the name of its venue', async () => {
  const live = {
    UNWIND_MODE: 'live',
    UNWIND_KEY_FILE: '/run/key',
    UNWIND_VENUE: 'simulated',
    UNWIND_SIMULATE_FILLS: 'yes',
  };
  const config = await readConfig(live);
  assert.equal(config.liquidations.releaseDelayMs, 0);
  await assert.rejects(readConfig({ ...live, UNWIND_KEY_FILE: '' }), /UNWIND_KEY_FILE/);
  await assert.rejects(readConfig({ ...live, UNWIND_VENUE: '' }), /UNWIND_VENUE/);
  await assert.rejects(readConfig({ UNWIND_VENUE: 'XETR' }), /UNWIND_VENUE/);
  const pretending = { ...live, UNWIND_SIMULATE_FILLS: '' };
  await assert.rejects(readConfig(pretending), /sells nothing.*UNWIND_SIMULATE_FILLS=yes/);
});

test('a venues file that cannot be used is the only fault named, and nothing of it is quoted', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'unwind-venues-'));
  const file = join(directory, 'venues.json');
  const live = { UNWIND_MODE: 'live', UNWIND_KEY_FILE: '/run/key', UNWIND_VENUES_FILE: file };
  const refusal = (why: string) => ({
    name: 'ConfigError',
    message: `UNWIND_VENUES_FILE names ${file}, which ${why}.`,
  });
  try {
    await assert.rejects(readConfig(live), refusal('cannot be read (ENOENT)'));
    await writeFile(file, 's3cretOfAnotherFile=\n');
    await assert.rejects(readConfig(live), refusal('is not JSON'));
    await writeFile(file, '');
    await assert.rejects(readConfig(live), refusal('is not JSON'));
    await writeFile(file, '{"password": "s3cret" "x"}');
    await assert.rejects(readConfig(live), refusal('is not JSON (line 1 column 23)'));
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('live mode listens beyond this machine only behind a proxy that ends TLS', async () => {
  const live = {
    UNWIND_MODE: 'live',
    UNWIND_KEY_FILE: '/run/key',
    UNWIND_VENUE: 'simulated',
    UNWIND_SIMULATE_FILLS: 'yes',
  };
  const plain = /HOST \S+ is reached from other machines.*UNWIND_TLS_PROXY=yes/;
  for (const HOST of ['0.0.0.0', '::', '10.0.0.7', 'unwind.example']) {
    await assert.rejects(readConfig({ ...live, HOST }), plain, HOST);
    await assert.rejects(readConfig({ ...live, HOST, UNWIND_TLS_PROXY: 'no' }), plain, HOST);
    assert.equal((await readConfig({ ...live, HOST, UNWIND_TLS_PROXY: 'yes' })).listen.host, HOST);
    assert.equal((await readConfig({ HOST })).mode, 'sandbox');
    assert.equal((await readConfig({ ...live, HOST, UNWIND_ROLES: 'worker' })).listen.host, HOST);
  }
  for (const HOST of ['', '127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
    assert.equal((await readConfig({ ...live, HOST })).mode, 'live', HOST);
  }
});

test('networks are written so that they cannot be read as others', async () => {
  for (const name of ['UNWIND_WEBHOOK_NETWORKS', 'UNWIND_TRUSTED_PROXIES']) {
    const right = '10.20.0.0/16, 192.168.7.7,fd12:3456::/32,2001:db8::1';
    assert.equal((await readConfig({ [name]: right })).mode, 'sandbox');
    for (const wrong of [
      '010.0.0.0/8',
      '10/8',
      '10.1/16',
      '10',
      '0x0a.0.0.1',
      '10.0.0.0/33',
      '10.0.0.0/255.0.0.0',
      '10.0.0.0/8,',
      '::ffff:10.0.0.0/104',
      'fe80::1%eth0',
      'example.com',
      '*',
    ]) {
      await assert.rejects(readConfig({ [name]: wrong }), new RegExp(name), wrong);
    }
  }
});

test('a header of certificates counts only from proxies that are named', async () => {
  const header = { UNWIND_CERTIFICATE_HEADER: 'Client-Cert' };
  await assert.rejects(readConfig(header), /UNWIND_TRUSTED_PROXIES is needed/);
  const { requests } = await readConfig({ ...header, UNWIND_TRUSTED_PROXIES: '127.0.0.1' });
  assert.equal(requests.certificateHeader, 'client-cert');
  for (const UNWIND_CERTIFICATE_HEADER of ['client_cert', 'a b', 'x:', 'é']) {
    const wrong = { UNWIND_CERTIFICATE_HEADER, UNWIND_TRUSTED_PROXIES: '127.0.0.1' };
    await assert.rejects(readConfig(wrong), /UNWIND_CERTIFICATE_HEADER is not the name/);
  }
});

test('every wrong setting is named, and its value is not printed', async () => {
  const wrong = {
    UNWIND_MODE: 'prod',
    PORT: '80a',
    DATABASE_URL: 'mysql://u:secret@h/x',
    UNWIND_DATABASE_PREPARE: 'yes',
    UNWIND_DATABASE_CONNECTIONS: '0',
    UNWIND_RELEASE_DELAY_MS: '-1',
    UNWIND_VENUE_DELAY_MS: '1e3',
    UNWIND_WEBHOOK_TIMEOUT_MS: '99',
    UNWIND_IDEMPOTENCY_DAYS: '0',
    UNWIND_ROLES: 'api,clerk',
    UNWIND_STOP_TIMEOUT_MS: '999',
    UNWIND_LIQUIDATION_ROUNDS: '0',
    UNWIND_LIQUIDATION_DAYS: '366',
    UNWIND_LOG_LEVEL: 'loud',
  };
  await assert.rejects(readConfig(wrong), (error) => {
    assert.ok(error instanceof ConfigError);
    for (const name of Object.keys(wrong))
      assert.match(error.message, new RegExp(`^${name} `, 'm'));
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test('the keeper of the holdings is an address without what it has no use for, or off', async () => {
  const urlOf = async (given: string) => {
    return (await readConfig({ UNWIND_RESERVATIONS_URL: given })).reservations.url;
  };
  assert.equal(
    await urlOf('https://holdings.example.com/unwind/'),
    'https://holdings.example.com/unwind',
  );
  assert.equal(await urlOf('off'), 'off');
  assert.equal(await urlOf(''), undefined);
  const wrong = ['no', 'ftp://h/x', 'https://h/x?a=1', 'https://h/x#a', 'https://u:s3cret@h/x'];
  for (const given of wrong) {
    await assert.rejects(urlOf(given), (error) => {
      return (
        error instanceof ConfigError &&
        /UNWIND_RESERVATIONS_URL/.test(error.message) &&
        !/s3cret/.test(error.message)
      );
    });
  }
});

test('an empty variable counts as absent', async () => {
  assert.equal((await readConfig({ PORT: '', HOST: '' })).listen.host, '127.0.0.1');
});

test('docs/configuration.md is made of the settings', async () => {
  const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  assert.equal(
    page,
    configurationPage(),
    'run: node tools/configuration-table.ts > docs/configuration.md',
  );
});

test('a variable that is meant as a setting and is none is refused, with the one it may be', async () => {
  const cases = [
    ['UNWIND_PROT', 'PORT'],
    ['UNWIND_PORT', 'PORT'],
    ['UNWIND_HOST', 'HOST'],
    ['UNWIND_DATABASE_URL', 'DATABASE_URL'],
    ['UNWIND_MOD', 'UNWIND_MODE'],
    ['unwind_mode', 'UNWIND_MODE'],
    ['UNWIND-MODE', 'UNWIND_MODE'],
    ['UNWND_MODE', 'UNWIND_MODE'],
    ['UNWIND_KEYFILE', 'UNWIND_KEY_FILE'],
    ['UNWIND_LOGLEVEL', 'UNWIND_LOG_LEVEL'],
    ['UNWIND_WEBHOOK_TIMEOUT', 'UNWIND_WEBHOOK_TIMEOUT_MS'],
    ['UNWIND_RELEASE_DELAY', 'UNWIND_RELEASE_DELAY_MS'],
  ];
  for (const [name = '', meant] of cases) {
    await assert.rejects(readConfig({ [name]: 'x' }), {
      message: `${name} is not a setting: did you mean ${meant}?`,
    });
  }
  await assert.rejects(readConfig({ UNWIND_XYZZY_PLUGH_FROTZ: '1' }), {
    message: 'UNWIND_XYZZY_PLUGH_FROTZ is not a setting: docs/configuration.md lists them all.',
  });
  // Variables of other programs, however short the way to one of ours.
  assert.equal(
    (await readConfig({ REPORT: 'x', HOSTNAME: 'y', PATH: 'z', HOME: '/' })).listen.port,
    8080,
  );
});

test('a database URL that the driver would read otherwise than it is meant is refused', async () => {
  const encode = /^DATABASE_URL cannot be read: .*write @ as %40/;
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['postgres://unwind:p@ss@db/unwind', encode],
    ['postgres://unwind:p/ss@db/unwind', encode],
    ['postgres://unwind:12/ss@db/unwind', encode],
    ['postgres://unwind:p?ss@db/unwind', encode],
    ['postgres://unwind:p#ss@db/unwind', encode],
    ['postgres://unwind:p%ss@db/unwind', /^DATABASE_URL cannot be read: .*write % as %25/],
    ['postgres://unwind:p ss@db/unwind', /white space/],
    ['postgres://unwind:pass@db1,db2/unwind', /several hosts/],
    ['postgres://unwind:pass@db:54x2/unwind', /expected is postgres/],
    ['postgres://unwind:pass@db:99999/unwind', /expected is postgres/],
    ['mysql://unwind:pass@db/unwind', /begins with postgres/],
    ['db.example.com', /begins with postgres/],
  ];
  for (const [url, words] of wrong) {
    await assert.rejects(readConfig({ DATABASE_URL: url }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, words, url);
      assert.doesNotMatch(error.message, /ss@|:pass@/, 'the password stays out of it');
      return true;
    });
  }
  for (const right of [
    'postgres://unwind:p%40ss%2Fword@db.example.com:6432/unwind?sslmode=verify-full',
    'postgresql://unwind@localhost/unwind',
    'postgres:///unwind?host=/var/run/postgresql',
    'postgres://unwind:x@[::1]:5432/unwind',
    'postgres://%2Fvar%2Frun%2Fpostgresql/unwind',
  ]) {
    assert.equal((await readConfig({ DATABASE_URL: right })).database.url, right);
  }
});
