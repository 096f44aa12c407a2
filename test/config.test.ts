// Settings: each is checked, all wrong ones are told at once, and the page about them is current.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ConfigError, readConfig } from '../src/settings/config.ts';
import { configurationPage } from '../tools/configuration-table.ts';

test('point 17: defaults are those of a sandbox on loopback', () => {
  const config = readConfig({});
  assert.equal(config.mode, 'sandbox');
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 8080);
  assert.equal(config.databaseUrl, undefined);
  assert.equal(config.releaseDelayMs, 2000);
});

test('point 17: live mode releases at once, and needs a key file and the name of its venue', () => {
  const live = { UNWIND_MODE: 'live', UNWIND_KEY_FILE: '/run/key', UNWIND_VENUE: 'simulated' };
  const config = readConfig(live);
  assert.equal(config.releaseDelayMs, 0);
  assert.throws(() => readConfig({ ...live, UNWIND_KEY_FILE: '' }), /UNWIND_KEY_FILE/);
  assert.throws(() => readConfig({ ...live, UNWIND_VENUE: '' }), /UNWIND_VENUE/);
  assert.throws(() => readConfig({ UNWIND_VENUE: 'XETR' }), /UNWIND_VENUE/);
});

test('networks are written so that they cannot be read as others', () => {
  for (const name of ['UNWIND_WEBHOOK_NETWORKS', 'UNWIND_TRUSTED_PROXIES']) {
    const right = '10.20.0.0/16, 192.168.7.7,fd12:3456::/32,2001:db8::1';
    assert.equal(readConfig({ [name]: right }).mode, 'sandbox');
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
      assert.throws(() => readConfig({ [name]: wrong }), new RegExp(name), wrong);
    }
  }
});

test('every wrong setting is named, and its value is not printed', () => {
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
  assert.throws(
    () => readConfig(wrong),
    (error) => {
      assert.ok(error instanceof ConfigError);
      for (const name of Object.keys(wrong))
        assert.match(error.message, new RegExp(`^${name} `, 'm'));
      assert.doesNotMatch(error.message, /secret/);
      return true;
    },
  );
});

test('an empty variable counts as absent', () => {
  assert.equal(readConfig({ PORT: '', HOST: '' }).host, '127.0.0.1');
});

test('docs/configuration.md is made of the settings', async () => {
  const page = await readFile(new URL('../docs/configuration.md', import.meta.url), 'utf8');
  assert.equal(
    page,
    configurationPage(),
    'run: node tools/configuration-table.ts > docs/configuration.md',
  );
});
