// What a database URL may look like, and that a wrong one is refused without showing its password.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DatabaseUrlError, parseDatabaseUrl, withDatabase } from '../../src/db/database-url.ts';

test('reads every part of a URL', () => {
  const url = 'postgresql://me:p%40ss:w@db.example:6432/my%20books?sslmode=require&x=1';
  assert.deepEqual(parseDatabaseUrl(url), {
    hosts: [{ host: 'db.example', port: 6432 }],
    user: 'me',
    password: 'p@ss:w',
    database: 'my books',
    options: { sslmode: 'require', x: '1' },
  });
});

test('takes the places of libpq: several hosts, IPv6, local sockets, defaults', () => {
  const hosts = (url: string) => parseDatabaseUrl(url).hosts;
  assert.deepEqual(hosts('postgres://a,b:1234,[::1]:77/x'), [
    { host: 'a', port: 5432 },
    { host: 'b', port: 1234 },
    { host: '::1', port: 77 },
  ]);
  assert.deepEqual(hosts('postgres:///x'), [{ host: 'localhost', port: 5432 }]);
  assert.deepEqual(hosts('postgres:///x?host=/run/pg'), [{ host: '/run/pg', port: 5432 }]);
  assert.deepEqual(hosts('postgres://%2Frun%2Fpg:5433/x'), [{ host: '/run/pg', port: 5433 }]);
  assert.deepEqual(parseDatabaseUrl('postgres://host'), {
    hosts: [{ host: 'host', port: 5432 }],
    user: null,
    password: null,
    database: null,
    options: {},
  });
});

test('refuses what nobody can connect with, and never shows it', () => {
  const refused = [
    'mysql://u:secret@h/x',
    'u:secret@h/x',
    'postgres://u:secret@h:port/x',
    'postgres://u:secret@h:0/x',
    'postgres://u:secret@h:65536/x',
    'postgres://u:secret@[::1/x',
    'postgres://u:secret%@h/x',
    `postgres://u:secret@${Array(9).fill('h').join(',')}/x`,
  ];
  for (const url of refused) {
    assert.throws(
      () => parseDatabaseUrl(url),
      (error) => error instanceof DatabaseUrlError && !error.message.includes('secret'),
      url,
    );
  }
});

test('any user, password and database name survive the way through a URL', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => s.isWellFormed());
  fc.assert(
    fc.property(text, text, text, text, (user, password, database, other) => {
      const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
      const url = `postgres://${login}@h:1/${encodeURIComponent(database)}?application_name=a`;
      const { hosts, options } = parseDatabaseUrl(url);
      const same = { hosts, options, user, password };
      assert.deepEqual(parseDatabaseUrl(url), { ...same, database });
      assert.deepEqual(parseDatabaseUrl(withDatabase(url, other)), { ...same, database: other });
    }),
  );
});
