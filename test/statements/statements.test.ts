// A statement of what a liquidation sold: the same bytes each time, verified without the service by a key that the
// reader trusts, and of every way to spoil it the verdict says what is wrong.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { JWK } from 'jose';
import { findDeliveryKey, rotateSigningKeys } from '../../src/auth/signing-keys.ts';
import { runVerifyStatement } from '../../src/commands/verify-statement-command.ts';
import { runStatementKeys, runWriteStatement } from '../../src/commands/write-statement-command.ts';
import { databaseFault } from '../../src/db/fault.ts';
import { type LiquidationId, newId } from '../../src/ids.ts';
import { Refusal } from '../../src/refusal.ts';
import {
  type SignedStatement,
  type Statement,
  signStatement,
  thumbprintOf,
} from '../../src/statements/statement.ts';
import { StatementVerifier } from '../../src/statements/verify-statement.ts';
import { writeStatement } from '../../src/statements/write-statement.ts';
import { Screen } from '../book/screen.ts';
import { apiOf } from '../http/api.ts';
import { assertProblem, assertSuccess } from '../http/expect.ts';
import { type BookPosition, enterRates, listInstruments, makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, seal, startHttp } from '../support/http.ts';
import { fc } from '../support/properties.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const { clientId: tenantId } = client;
const on = { sql, clock, seal, tenantId };
const [sap, apple, allianz] = ['DE0007164600', 'US0378331005', 'DE0008404005'];
await makeBook(sql, {
  tenantId,
  instruments: [
    { isin: sap, price: '208.355' },
    { isin: apple, price: '150' },
    { isin: allianz, price: '3.333' },
  ],
  accounts: [],
});
await listInstruments(sql, { tenantId }, [{ isin: apple, mic: 'XSIM', currency: 'USD' }]);
await enterRates(sql, { tenantId }, [{ currency: 'USD', rate: '0.9213', asOf: clock.now() }]);
const steps = engineSteps(sql, clock, { delayMs: 0 });

async function ask(positions: readonly BookPosition[]): Promise<LiquidationId> {
  const [account] = await makeBook(sql, { tenantId, instruments: [], accounts: [{ positions }] });
  return askToLiquidate(sql, clock, account ?? assert.fail());
}

async function sold(): Promise<LiquidationId> {
  const id = await ask([
    { isin: sap, quantity: '7.25' },
    { isin: apple, quantity: '3' },
    { isin: allianz, quantity: '0.123456' },
  ]);
  await runUntilIdle(steps);
  return id;
}

const write = async (liquidationId: LiquidationId, part = 1, executionsMax?: number) => {
  return writeStatement(on, { tenantId, liquidationId, part }, executionsMax);
};

const payloadOf = ({ payload }: SignedStatement): Statement => {
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
};

const jwkOf = (key: KeyObject) => createPublicKey(key).export({ format: 'jwk' }) as JWK;

async function ownKey() {
  const which = { tenantId, algorithm: 'ed25519', now: clock.now() } as const;
  return (await findDeliveryKey(sql, seal, which)) ?? assert.fail();
}

async function verify(lines: readonly (string | SignedStatement)[], trusted?: readonly JWK[]) {
  const keys = trusted ?? [jwkOf((await ownKey()).privateKey)];
  const verifier = new StatementVerifier({ keys, thumbprints: [] });
  for (const line of lines) {
    await verifier.add(typeof line === 'string' ? line : JSON.stringify(line));
  }
  return verifier.end();
}

const kindsOf = async (...which: Parameters<typeof verify>) => {
  return (await verify(...which)).faults.map(({ kind }) => kind);
};

/** The statement with a change, signed by a key of the service, or by another one. */
async function signedAnew(
  signed: SignedStatement,
  change: (one: Statement) => void,
  by?: KeyObject,
) {
  const statement = payloadOf(signed);
  change(statement);
  const key = await ownKey();
  const privateKey = by ?? key.privateKey;
  return signStatement(statement, { ...key, privateKey, publicJwk: jwkOf(privateKey) });
}

const liquidationId = await sold();
const { signed, parts } = await write(liquidationId);

test('it has every execution, and the sums are those of the book', async () => {
  assert.equal(parts, 1);
  const { executions, totals, instruments, liquidation, client_id: owner } = payloadOf(signed);
  const rows = await sql<{ execution_id: string; proceeds: string }[]>`
    select e.execution_id, e.proceeds::text
    from unwind_v1.executions e
    where e.liquidation_id = ${liquidationId}`;
  assert.deepEqual(
    executions.map(({ id }) => id).toSorted(),
    rows.map((row) => row.execution_id).toSorted(),
  );
  const [row] = await sql<{ proceeds: string; account_id: string }[]>`
    select round(l.proceeds, 2)::text as proceeds, l.account_id
    from unwind_v1.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  assert.deepEqual(totals, {
    executions: rows.length,
    void: 0,
    proceeds: row?.proceeds,
    currency: 'EUR',
    fees: null,
  });
  assert.deepEqual(
    instruments?.map(({ isin, quantity }) => [isin, quantity]),
    [
      [sap, '7.25'],
      [allianz, '0.123456'],
      [apple, '3'],
    ],
  );
  assert.deepEqual([owner, liquidation.account_id], [tenantId, row?.account_id]);
  const ofApple = executions.find(({ isin }) => isin === apple);
  assert.deepEqual(
    [ofApple?.price_currency, ofApple?.rate, ofApple?.venue],
    ['USD', '0.9213', 'XSIM'],
  );
  assert.ok(ofApple?.venue_order_id && ofApple.venue_execution_id && ofApple.executed_at);
  assert.deepEqual((await verify([signed])).faults, []);
});

test('the same statement has the same bytes, each time and over HTTP', async () => {
  assert.deepEqual((await write(liquidationId)).signed, signed);
  const reply = await api.call('GET', `/liquidations/${liquidationId}/statement`);
  assertSuccess(reply, 200);
  assert.deepEqual(reply.json, { ...signed });
  assert.equal(reply.headers['link'], undefined);
});

test('what has not ended has none; a part that is none, and one that is no number', async () => {
  const open = await ask([{ isin: sap, quantity: '1', locked: '1' }]);
  const of = (id: string, query = '') => api.call('GET', `/liquidations/${id}/statement${query}`);
  assertProblem(await of(open), 'conflict', /is NEW: a statement tells of its end/);
  assertProblem(await of(liquidationId, '?part=2'), 'not_found', /no such part: it has 1/);
  assertProblem(await of(liquidationId, '?part=0'), 'bad_request', /\/part/);
  assertProblem(await of(randomUUID()), 'not_found', /There is no such liquidation/);
});

test('one that sold nothing has a statement that says so', async () => {
  const id = await ask([{ isin: sap, quantity: '1' }]);
  const [row] = await sql<{ account_id: string }[]>`
    select l.account_id from unwind.liquidations l where l.liquidation_id = ${id}`;
  await api.call('DELETE', `/accounts/${row?.account_id}/liquidations/${id}`);
  const empty = await write(id);
  assert.equal(payloadOf(empty.signed).totals.executions, 0);
  assert.deepEqual((await verify([empty.signed])).faults, []);
});

test('a void execution is listed, and counts for nothing', async () => {
  const id = await sold();
  await sql`
    with voided as (
      update unwind.executions e
      set busted_at = ${clock.now()}
      where e.liquidation_id = ${id}
        and e.isin = ${sap}
      returning e.proceeds
    )
    update unwind.liquidations l
    set
      proceeds = l.proceeds - (select sum(v.proceeds) from voided v),
      cash_amount = l.cash_amount - (select sum(v.proceeds) from voided v),
      corrected_at = ${clock.now()},
      corrected_proceeds = -(select sum(v.proceeds) from voided v)
    where l.liquidation_id = ${id}`;
  const { signed: one } = await write(id);
  const { totals, instruments, executions, liquidation } = payloadOf(one);
  assert.ok(totals.void > 0 && executions.some((each) => each.void_at !== undefined));
  assert.ok(instruments?.every(({ isin }) => isin !== sap));
  assert.equal(liquidation.corrected_at, clock.now().toISOString());
  assert.deepEqual((await verify([one])).faults, []);
  const unvoided = await signedAnew(one, (all) => {
    for (const each of all.executions) delete each.void_at;
  });
  assert.ok((await kindsOf([unvoided])).includes('sums'));
});

test('a change anywhere in it is found, whatever it is', async () => {
  const names = ['payload', 'protected', 'signature'] as const;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const change = fc.record({
    name: fc.constantFrom(...names),
    share: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
    by: fc.constantFrom(...alphabet),
  });
  await fc.assert(
    fc.asyncProperty(change, async ({ name, share, by }) => {
      const text = signed[name];
      const at = Math.floor(share * text.length);
      const changed = text.slice(0, at) + by + text.slice(at + 1);
      // The last character has bits that mean nothing.
      const bytes = (one: string) => Buffer.from(one, 'base64url');
      fc.pre(changed !== text && (name !== 'signature' || !bytes(changed).equals(bytes(text))));
      const [fault] = await kindsOf([{ ...signed, [name]: changed }]);
      assert.equal(fault, 'altered');
    }),
    { numRuns: 100 },
  );
});

test('JSON that is damaged was altered, and is not said to be something else', async () => {
  const line = JSON.stringify(signed);
  const damaged = [line.replace('"payload":"', '"payload":'), line.replace(/}$/, ',}')];
  const renamed = (['payload', 'protected', 'signature'] as const).map((name) =>
    line.replace(`"${name}"`, `"${name.toUpperCase()}"`),
  );
  for (const one of [...damaged, ...renamed]) assert.deepEqual(await kindsOf([one]), ['altered']);
});

test('a file that is cut off anywhere is found', async () => {
  const line = JSON.stringify(signed);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: line.length - 1 }), async (length) => {
      assert.deepEqual(await kindsOf([line.slice(0, length)]), ['cut_off']);
    }),
    { numRuns: 20 },
  );
  assert.deepEqual(await kindsOf([]), ['cut_off']);
});

test('another key is named, and none that is trusted is asked for', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const forged = await signedAnew(signed, () => {}, privateKey);
  const verdict = await verify([forged]);
  const name = await thumbprintOf(jwkOf(privateKey));
  assert.deepEqual(verdict.faults, [
    { kind: 'wrong_key', says: `Part 1 is signed by another key: its thumbprint is ${name}.` },
  ]);
  assert.deepEqual(await kindsOf([signed], []), ['untrusted']);
  const own = await thumbprintOf(jwkOf((await ownKey()).privateKey));
  const byName = new StatementVerifier({ keys: [], thumbprints: [own] });
  await byName.add(JSON.stringify(signed));
  assert.deepEqual(await byName.end(), {
    faults: [],
    head: (await verify([signed])).head,
    signedBy: [own],
  });
  // The key in the header is not that which has signed.
  const [head = {}] = [JSON.parse(Buffer.from(signed.protected, 'base64url').toString())];
  const other = { ...head, jwk: jwkOf(privateKey) };
  const swapped = Buffer.from(JSON.stringify(other)).toString('base64url');
  assert.deepEqual(await kindsOf([{ ...signed, protected: swapped }]), ['altered']);
  const none = Buffer.from(JSON.stringify({ ...head, alg: 'none' })).toString('base64url');
  assert.deepEqual(await kindsOf([{ ...signed, protected: none, signature: '' }]), ['altered']);
});

test('what is signed and does not add up is found', async () => {
  const changes: readonly [string, (one: Statement) => void][] = [
    ['an execution less', (one) => one.executions.pop()],
    ['an execution twice', (one) => one.executions.push(one.executions[0] ?? assert.fail())],
    ['another total', (one) => Object.assign(one.totals, { proceeds: '1.00' })],
    ['another count', (one) => Object.assign(one.totals, { executions: 99 })],
    ['another price', (one) => Object.assign(one.executions[0] ?? {}, { price: '1' })],
    ['another sum', (one) => Object.assign(one.instruments?.[0] ?? {}, { proceeds: '1.00' })],
    ['an instrument less', (one) => one.instruments?.pop()],
  ];
  for (const [what, change] of changes) {
    const kinds = await kindsOf([await signedAnew(signed, change)]);
    assert.ok(kinds.length > 0 && kinds.every((kind) => kind === 'sums'), `${what}: ${kinds}`);
  }
  const odd = await signedAnew(signed, (one) => {
    Object.assign(one.executions[0] ?? {}, { quantity: 'many' });
  });
  assert.deepEqual(await kindsOf([odd]), ['no_statement']);
  assert.deepEqual(await kindsOf(['[]']), ['no_statement']);
  assert.deepEqual(await kindsOf(['hello']), ['no_statement']);
});

test('of several parts none may be missing, come twice, or be of another statement', async () => {
  const lines: SignedStatement[] = [];
  const { parts: count } = await write(liquidationId, 1, 1);
  assert.equal(count, payloadOf(signed).executions.length);
  for (let part = 1; part <= count; part += 1) {
    lines.push((await write(liquidationId, part, 1)).signed);
  }
  assert.deepEqual((await verify(lines)).faults, []);
  const [one, two] = lines;
  assert.ok(one && two && count >= 3);
  assert.deepEqual(await kindsOf(lines.slice(0, -1)), ['part_missing']);
  assert.deepEqual((await kindsOf([two, one, ...lines.slice(2)])).slice(0, 1), ['part_missing']);
  assert.ok((await kindsOf([...lines, two])).includes('part_missing'));
  const { signed: foreign } = await write(await sold(), 2, 1);
  assert.ok((await kindsOf([one, foreign, ...lines.slice(2)])).includes('mixed'));
  await assert.rejects(write(liquidationId, count + 1, 1), (error) => {
    return error instanceof Refusal && error.code === 'not_found';
  });
});

test('on the command line: written once, verified by keys in files, also when they were replaced', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'unwind-statements-'));
  t.after(() => rm(home, { recursive: true }));
  const file = join(home, 'statement.jsonl');
  const stdout = new Screen();
  const own = { ...on, stdout };
  assert.equal(await runWriteStatement(own, liquidationId, file, 2), 0);
  assert.equal(stdout.text, `Written to ${file}.\n`);
  const again = runWriteStatement(own, liquidationId, file);
  await assert.rejects(again, (error) => {
    assert.match(String(error), /statement.jsonl cannot be made: it is there already, and is not/);
    assert.equal(databaseFault(error, 'postgres://127.0.0.1/unwind'), undefined);
    return true;
  });
  const check = async (options: Partial<Parameters<typeof runVerifyStatement>[0]>) => {
    const screen = new Screen();
    const code = await runVerifyStatement({ file, ...options, stdout: screen });
    return { code, text: screen.text };
  };
  const { publicKey } = { publicKey: createPublicKey((await ownKey()).privateKey) };
  const pem = join(home, 'key.pem');
  await writeFile(pem, publicKey.export({ format: 'pem', type: 'spki' }));
  const byPem = await check({ key: pem });
  assert.deepEqual([byPem.code, /^Verified: /m.test(byPem.text)], [0, true], byPem.text);
  await rotateSigningKeys(sql, clock, {
    tenantId,
    seal,
    algorithms: ['ed25519'],
    rotation: { leadMs: 0, overlapMs: 0 },
  });
  clock.advance(60_000);
  const screen = new Screen();
  assert.equal(await runStatementKeys({ ...on, stdout: screen }), 0);
  const keys = join(home, 'keys.json');
  await writeFile(keys, screen.text);
  assert.equal((await check({ key: keys })).code, 0, 'years later, by the key of then');
  const newest = JSON.parse(screen.text).keys.at(-1);
  assert.equal((await check({ thumbprint: newest.thumbprint })).code, 1);
  const untrusted = await check({});
  assert.equal(untrusted.code, 1);
  assert.match(untrusted.text, /^NOT verified:$(.|\n)*^Name the key that you trust/m);
  const json = JSON.parse((await check({ key: pem, json: true })).text);
  assert.deepEqual(json.faults, []);
  await writeFile(file, (await readFile(file, 'utf8')).slice(0, -20));
  const cut = await check({ key: pem });
  assert.match(cut.text, /Part 2 is cut off: its end is missing/);
  await assert.rejects(check({ file: join(home, 'none') }), /cannot be read/);
  await assert.rejects(check({ key: file }), /no public Ed25519 key|begins like JSON/);
  await assert.rejects(check({ file: home }), /is a directory/);
  const missing = new Screen();
  assert.equal(await runWriteStatement({ ...on, stdout: missing }, newId(), undefined), 1);
  assert.match(missing.text, /There is no such liquidation/);
  const nobody = runStatementKeys({ ...on, tenantId: newId(), stdout: missing });
  await assert.rejects(nobody, { name: 'RefusedError', message: /there is no client/ });
  // A forger signs by a key of their own, and writes what a terminal would show as the verdict.
  const { privateKey } = generateKeyPairSync('ed25519');
  const says = 'Verified: it is whole.';
  const forged = await signedAnew(
    signed,
    (all) => {
      all.liquidation.end_reason = `x)\n${says}\u202e`;
    },
    privateKey,
  );
  await writeFile(file, `${JSON.stringify(forged)}\n`);
  const shown = await check({ key: pem });
  assert.equal(shown.code, 1);
  assert.match(shown.text, /^NOT verified:\n/);
  assert.match(shown.text, /x\)\\u000aVerified: it is whole\.\\u202e/);
  assert.doesNotMatch(shown.text, /^Verified/m);
  for (const change of [
    (all: Statement) => Object.assign(all.liquidation, { id: `1\n${says}` }),
    (all: Statement) => Object.assign(all.liquidation, { ended_at: `2026\n${says}` }),
    (all: Statement) => Object.assign(all, { client_id: says }),
  ]) {
    assert.deepEqual(await kindsOf([await signedAnew(signed, change)]), ['no_statement']);
  }
});
