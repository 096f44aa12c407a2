// The page that says where the service is not the published API, held against the service: what it
// says is not there, what only exists here, what has a fixed value, and what is left out.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, sell } from './api.ts';
import { assertSuccess } from './expect.ts';

const file = new URL('../../docs/integrators/differences.md', import.meta.url);
const page = await readFile(file, 'utf8');
const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);

const objects = await readAll();

const operations = [...service.routes, ...service.open].map(({ method, path }) => {
  return `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`;
});

/** The text below a heading, up to the next one. */
function sectionOf(heading: string): string {
  const [, rest = assert.fail(`there is a section ${heading}`)] = page.split(`${heading}\n`);
  return rest.split(/\n##/)[0] ?? '';
}

/** The cells of the rows of all tables in a text, without their headers. */
function rowsIn(text: string): readonly (readonly string[])[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  const cells = rows.map((line) => line.slice(2, -2).split(' | '));
  return cells.filter(([first = '']) => !['Subject', 'Field', '---'].includes(first));
}

const codeIn = (text: string) => [...text.matchAll(/`([^`]*)`/g)].map(([, code = '']) => code);
const named = (text: string) => codeIn(text).filter((code) => /^[A-Z]+ \//.test(code));

test('what is said not to be there is not there, and what only exists here is', () => {
  const section = sectionOf('## What there is, and what there is not');
  const absent = rowsIn(section).flatMap((cells) => named(cells[2] ?? ''));
  const here = named(section.slice(section.indexOf('Operations that only exist here')));
  assert.ok(here.length >= 3);
  for (const operation of absent) assert.ok(!operations.includes(operation), operation);
  for (const operation of here) assert.ok(operations.includes(operation), operation);
});

async function readAll(): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>> {
  const isin = 'IE00BF2GFH28';
  const [account] = await makeBook(sql, {
    tenantId: client.clientId,
    instruments: [{ isin, price: '80' }],
    accounts: [{ positions: [{ isin, quantity: '20' }] }],
  });
  assert.ok(account);
  const { accountId } = account;
  const { liquidationId, orderId, executionId } = await sell(sql, clock, account);
  const read = async (target: string) => {
    const reply = await api.call('GET', target);
    assertSuccess(reply, 200);
    return reply.json;
  };
  return {
    Account: await read(`/accounts/${accountId}`),
    Position: await read(`/accounts/${accountId}/positions/isin:${isin}`),
    Order: await read(`/orders/${orderId}`),
    Execution: await read(`/orders/${orderId}/executions/${executionId}`),
    Instrument: await read(`/instruments/isin:${isin}`),
    Liquidation: await read(`/accounts/${accountId}/liquidations/${liquidationId}`),
  };
}

/** A value as the page writes it. */
function written(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

test('fixed values are what is answered, and what is left out is left out', async () => {
  for (const [name, object] of Object.entries(objects)) {
    const rows = rowsIn(sectionOf(`### ${name}`));
    assert.ok(rows.length > 0, name);
    for (const [fields = '', value = ''] of rows) {
      const [fixed] = /^`[^`]*`$/.test(value) ? codeIn(value) : [];
      for (const field of codeIn(fields)) {
        const [member = '', inner] = field.split('.');
        const where = `${name}.${field}`;
        assert.equal(Object.hasOwn(object, member), value !== 'left out', where);
        if (inner !== undefined) assert.ok(Object.hasOwn(object[member] as object, inner), where);
        if (fixed !== undefined) assert.equal(written(object[member]), fixed, where);
        if (value === 'empty text') assert.equal(object[member], '', where);
      }
    }
  }
});

test('members are in alphabetical order where that is said', async () => {
  const { json: page } = await api.call('GET', '/accounts');
  const all = { ...objects, meta: page['meta'], page };
  for (const [name, object] of Object.entries(all)) {
    const members = Object.keys(Object(object));
    assert.ok(members.length > 1);
    assert.deepEqual(members, members.toSorted(), name);
  }
});
