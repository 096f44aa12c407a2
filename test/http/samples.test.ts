// The samples of the API document: each text is signed rightly over what it has, and each kind of
// program, run as it stands there, is accepted by the service.
// Long by nature: it compiles and runs programs.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { inspectSignature, parsePublicKey, readRawRequest, strictRules } from '@unwind/signatures';
import { systemClock } from '../../src/clock.ts';
import { sampleAddress } from '../../src/http/openapi/sample-request.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { isFull } from '../support/length.ts';
import { apiOf, giveAccounts } from './api.ts';

const { sql } = await createTestDatabase({ after });
const service = await startHttp({ after }, { sql, clock: systemClock });
const client = await makeApiClient(sql, systemClock);
const api = await apiOf(service, client);
const [account] = await giveAccounts(sql, client);

interface Sample {
  readonly label: string;
  readonly source: string;
}

const samplesOf = (operation: Readonly<Record<string, unknown>>) => {
  return operation['x-codeSamples'] as readonly Sample[];
};

function sampleOf(operationId: string, label: string): string {
  const found = service.document.operations.find(({ operation }) => {
    return operation['operationId'] === operationId;
  });
  const sample = samplesOf(found?.operation ?? assert.fail(operationId));
  return sample.find((one) => one.label === label)?.source ?? assert.fail(label);
}

const publicKey = parsePublicKey(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----`);

test('every text covers what it has, with a signature that fits', async () => {
  let signed = 0;
  for (const { operation } of service.document.operations) {
    const text =
      samplesOf(operation).find(({ label }) => label === 'HTTP')?.source ?? assert.fail();
    const bytes = Buffer.from(text.includes('\n\n') ? text : `${text}\n\n`);
    const { message } = readRawRequest(bytes);
    const isSigned = (operation['security'] as unknown[]).length > 0;
    const names = message.headers.map(([name]) => name);
    assert.equal(names.includes('signature'), isSigned, String(operation['operationId']));
    if (!isSigned) continue;
    signed += 1;
    const clientId = message.headers.find(([name]) => name === 'upvest-client-id')?.[1];
    assert.ok(clientId !== undefined);
    const { verdict, first_fault, signatures } = await inspectSignature(message, {
      clientId,
      keys: () => ({ ...publicKey, clientId, live: true }),
      rules: strictRules,
      now: 1_700_000_005,
    });
    assert.equal(
      verdict,
      'accepted',
      `${operation['operationId']}: ${JSON.stringify(first_fault)}`,
    );
    const covered = signatures[0]?.covered.map(({ component }) => component);
    const own = [
      'host',
      'content-length',
      'upvest-signature-version',
      'signature-input',
      'signature',
    ];
    const expected = ['@method', '@path', ...names.filter((name) => !own.includes(name))];
    assert.deepEqual(covered, expected);
  }
  assert.ok(signed > 20);
});

const run = promisify(execFile);
const programs: Readonly<Record<string, (source: string) => readonly [string, readonly string[]]>> =
  {
    curl: (source) => [
      'sh',
      ['-ec', `${source.replace('curl -sS', 'curl -sS -w " %{http_code}"')}`],
    ],
    TypeScript: () => [process.execPath, ['sample.ts']],
    Python: (source) => ['python3', ['-c', source]],
    Go: () => ['go', ['run', 'sample.go']],
    Java: () => ['java', ['Sample.java']],
  };

function isThere(label: string): boolean {
  const needs: Readonly<Record<string, readonly [string, readonly string[]]>> = {
    curl: ['sh', ['-c', 'command -v curl && openssl version | grep "OpenSSL 3"']],
    TypeScript: [process.execPath, ['--version']],
    Python: ['python3', ['-c', 'import cryptography']],
    Go: ['go', ['version']],
    Java: ['sh', ['-c', 'java --list-modules | grep -q ^jdk.compiler']],
  };
  const [program, args] = needs[label] ?? assert.fail(label);
  return spawnSync(program, args).status === 0;
}

for (const [label, programOf] of Object.entries(programs)) {
  test(`the samples in ${label} are accepted as they stand`, async (t) => {
    if (!isThere(label))
      return t.skip(`not run: ${label} is not installed here, or lacks what its samples need`);
    const home = await mkdtemp(join(tmpdir(), 'unwind-samples-'));
    t.after(() => rm(home, { recursive: true }));
    const pem = client.key.privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFile(join(home, 'private.pem'), pem);
    const env = {
      ...process.env,
      CLIENT_ID: client.clientId,
      CLIENT_SECRET: client.clientSecret,
      KEY_ID: client.keyId,
      TOKEN: api.token,
    };
    const expected = {
      list_webhooks: /"total_count":\d+/,
      create_account_liquidation: /"status":"NEW"/,
      issue_token: /"token_type":"bearer"/,
      check_liveness: /"alive"/,
    };
    // To compile one takes seconds, and all are made from one text: one of them where time counts.
    const isCompiled = label === 'Java' || label === 'Go';
    const { create_account_liquidation } = expected;
    const chosen = isCompiled && !isFull ? { create_account_liquidation } : expected;
    for (const [operationId, answer] of Object.entries(chosen)) {
      const source = sampleOf(operationId, label)
        .replaceAll(sampleAddress, `http://127.0.0.1:${service.port}`)
        .replaceAll('debf2026-f2da-4ff0-bb84-92e45babb1e3', account.accountId)
        .replaceAll('084a00a8-4a37-4d2d-b276-71ec5e2be0e3', account.userId);
      const file = { Go: 'sample.go', Java: 'Sample.java' }[label] ?? 'sample.ts';
      await writeFile(join(home, file), source);
      const [program, args] = programOf(source);
      const { stdout } = await run(program, args, { cwd: home, env });
      assert.match(stdout, answer, operationId);
      assert.match(stdout, /\b20[012]\b/, `${operationId}: ${stdout}`);
    }
    await sql`delete from unwind.events where account_id = ${account.accountId}`;
    await sql`delete from unwind.liquidations where account_id = ${account.accountId}`;
  });
}
