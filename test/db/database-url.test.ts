// The address of another database on the same server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDatabase } from '../../tools/database-url.ts';

test('only the name of the database changes', () => {
  const url = 'postgres://me:p%40ss@db.example:6432/books?sslmode=require';
  assert.equal(
    withDatabase(url, 'my tests'),
    'postgres://me:p%40ss@db.example:6432/my%20tests?sslmode=require',
  );
  assert.equal(withDatabase('postgres://host', 'x'), 'postgres://host/x');
});
