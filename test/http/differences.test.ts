// The page that says where the service is not the published API, held against the service, both ways: the
// operations there are, those there are not, those only a sandbox has; fields that are left out, fields
// with a fixed value.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { type HttpService, makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, marcel, sell } from './api.ts';
import { assertSuccess } from './expect.ts';

const file = new URL('../../docs/integrators/differences.md', import.meta.url);
const page = await readFile(file, 'utf8');
const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);

const objects = await readAll();

const nameOf = ({ method, path }: { readonly method: string; readonly path: string }) => {
  return `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`;
};
const operationsOf = ({ routes, open }: HttpService) => [...routes, ...open].map(nameOf);
const operations = operationsOf(service);
const pages = new Set(service.open.filter((one) => one.operation === 'page').map(nameOf));

/** The text below a heading, up to the next one. */
function sectionOf(heading: string): string {
  const [, rest = assert.fail(`there is a section ${heading}`)] = page.split(`${heading}\n`);
  return rest.split(/\n##/)[0] ?? '';
}

/** The cells of the rows of all tables in a text, without their headers. */
function rowsIn(text: string): readonly (readonly string[])[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  const cells = rows.map((line) => line.slice(2, -2).split(/ *\| */));
  return cells.filter(([first = '']) => !['Subject', 'Field', 'Where', '---'].includes(first));
}

const codeIn = (text: string) => [...text.matchAll(/`([^`]*)`/g)].map(([, code = '']) => code);
const named = (text: string) => codeIn(text).filter((code) => /^[A-Z]+ \//.test(code));

/** Operations for people and tools that are not in the table of routes of a test. */
const beside = ['GET /openapi.json'];

test('every operation is on the page, once, and none that is not there', () => {
  const section = sectionOf('## What there is, and what there is not');
  const rows = rowsIn(section);
  const here = [
    ...rows.filter((cells) => cells.length === 3).flatMap((cells) => named(cells[1] ?? '')),
    ...rows.filter((cells) => cells.length === 2).flatMap((cells) => named(cells[1] ?? '')),
  ].filter((operation) => !beside.includes(operation));
  const shown = operations.filter((operation) => !pages.has(operation));
  assert.deepEqual(here.toSorted(), shown.toSorted());
  const absent = rows.flatMap((cells) => named(cells[2] ?? ''));
  assert.ok(absent.length >= 10);
  for (const operation of absent) assert.ok(!operations.includes(operation), operation);
});

test('what only a sandbox has is said to be there in a sandbox only', async (t) => {
  const live = await startHttp(t, { sql, clock, isSandbox: false });
  const inLive = new Set(operationsOf(live));
  const section = sectionOf('## What there is, and what there is not');
  const sandboxOnly = rowsIn(section).flatMap((cells) => {
    const [where = '', here = ''] = cells;
    if (/^in a sandbox/.test(where)) return named(here);
    return cells.length === 3 ? named(here.split('in a sandbox')[1] ?? '') : [];
  });
  const missing = operations.filter((operation) => !inLive.has(operation));
  assert.deepEqual(sandboxOnly.toSorted(), missing.toSorted());
});

/** Fields of the published objects, those of later versions last. */
const published: Readonly<Record<string, string>> = {
  User:
    'id created_at updated_at first_name last_name salutation title birth_date birth_city birth_country ' +
    'birth_name nationalities address postal_address status email phone_number fatca ' +
    'terms_and_conditions data_privacy_and_sharing_agreement decease_date tags',
  Account: 'id created_at updated_at account_group_id type users account_number name status',
  Position:
    'account_id instrument quantity locked_for_trading pending_settlement available_for_trading ' +
    'settled_quantity available_for_instruction',
  Order:
    'id created_at updated_at user_id account_id cash_amount currency side instrument_id ' +
    'instrument_id_type order_type quantity status fee initiation_flow executions client_reference ' +
    'user_instrument_fit_acknowledgement limit_price stop_price expiry_date cancellation_reason ' +
    'execution_flow business_id fee_configuration decision_maker_id',
  Execution:
    'id order_id side currency status cash_amount share_quantity price transaction_time taxes ' +
    'settlement_date venue_id',
  Instrument: 'id created_at updated_at isin wkn name fractional_trading trading_status',
  Liquidation:
    'id created_at updated_at user_id account_id cash_amount currency status orders fee_collection_id ' +
    'business_id',
};

/** As published too, this has one value only. */
const fixedAsPublished = ['Order.instrument_id_type'];

test('the schemas have the published fields, but for those that the page leaves out', () => {
  for (const [name, fields] of Object.entries(published)) {
    const rows = rowsIn(sectionOf(`### ${name}`));
    const leftOut = rows
      .filter(([, value]) => value === 'left out')
      .flatMap(([some = '']) => codeIn(some));
    const schema = service.document.resolve({ $ref: `#/components/schemas/${name}` });
    const properties = Object.keys(Object(schema['properties']));
    assert.deepEqual([...properties, ...leftOut].toSorted(), fields.split(' ').toSorted(), name);
  }
});

test('what a schema fixes to one value is on the page', () => {
  let count = 0;
  for (const name of Object.keys(published)) {
    const listed = rowsIn(sectionOf(`### ${name}`)).flatMap(([some = '']) => codeIn(some));
    const schema = service.document.resolve({ $ref: `#/components/schemas/${name}` });
    for (const [field, part] of Object.entries(Object(schema['properties']))) {
      const values = Object(part).enum;
      if (!Array.isArray(values) || values.length !== 1) continue;
      if (fixedAsPublished.includes(`${name}.${field}`)) continue;
      assert.ok(listed.includes(field), `${name}.${field}`);
      count += 1;
    }
  }
  assert.ok(count >= 8);
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
  const headers = { 'idempotency-key': randomUUID() };
  const made = await api.call('POST', '/users', { json: marcel, headers });
  assertSuccess(made, 200);
  return {
    User: await read(`/users/${made.json['id']}`),
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

test('the page of the later contract names each member that only its document has', async () => {
  const { document: later } = await startHttp({ after }, { sql, clock, contract: '2026' });
  const text = await readFile(new URL('contract-2026.md', file), 'utf8');
  const membersOf = ({ document }: Pick<HttpService, 'document'>, name: string) => {
    const schema = document.resolve({ $ref: `#/components/schemas/${name}` });
    return Object.keys(Object(schema['properties']));
  };
  const added = Object.keys(published).flatMap((name) => {
    const before = membersOf(service, name);
    return membersOf({ document: later }, name).filter((member) => !before.includes(member));
  });
  assert.deepEqual(added.toSorted(), ['business_id', 'fee_collection_id', 'settlement_date']);
  for (const member of added) assert.ok(text.includes(`\`${member}\``), member);
});
