// The certificate of a sandbox: that independent judges take it (Node's TLS and its X.509), when it is made
// anew, and what is said where its files cannot be used.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  ensureCertificate,
  type ServerCertificate,
  trustAuthority,
} from '../../src/sandbox/certificate.ts';
import { portOf } from '../support/condition.ts';

const dayMs = 86_400_000;
const host = '127.0.0.1';

async function newHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'unwind-tls-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  return home;
}

const numberOf = ({ cert }: Pick<ServerCertificate, 'cert'>) =>
  new X509Certificate(cert).serialNumber;

/** Asks a server that shows a certificate, trusting an authority. @returns the status, or why not. */
async function ask(t: TestContext, shown: ServerCertificate, ca: string, name: string) {
  const server = createServer({ key: shown.key, cert: shown.cert }, (_, response) => {
    response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const request = get({
    host: '127.0.0.1',
    port: portOf(server),
    ca,
    servername: name,
    agent: false,
  });
  const answered = once(request, 'response').then(([response]) => {
    response.resume();
    return response.statusCode as number;
  });
  return answered.catch((error: NodeJS.ErrnoException) => error.code);
}

test('clients that trust its authority connect, others do not', async (t) => {
  const [home, other] = [await newHome(t), await newHome(t)];
  const now = new Date();
  const made = await ensureCertificate(home, { host, now });
  const foreign = await ensureCertificate(other, { host, now });
  const ca = await readFile(made.caFile, 'utf8');
  assert.equal(await ask(t, made, ca, 'localhost'), 204);
  assert.equal(await ask(t, foreign, ca, 'localhost'), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  assert.equal(await ask(t, made, ca, 'bank.example.com'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  const own = new X509Certificate(made.cert);
  assert.ok(!own.ca && new X509Certificate(ca).ca);
  for (const address of ['127.0.0.1', '::1']) assert.equal(own.checkIP(address), address);
});

test('private keys are their owner’s alone', async (t) => {
  const home = await newHome(t);
  await ensureCertificate(home, { host, now: new Date() });
  for (const name of ['ca-key.pem', 'server-key.pem']) {
    assert.equal((await stat(join(home, 'tls', name))).mode & 0o777, 0o600);
  }
  assert.equal((await stat(join(home, 'tls'))).mode & 0o777, 0o700);
});

test('it is kept as long as it serves, and its authority longer', async (t) => {
  const home = await newHome(t);
  const now = new Date('2026-01-05T09:00:00Z');
  const at = (days: number, name = host) =>
    ensureCertificate(home, { host: name, now: new Date(now.getTime() + days * dayMs) });
  const first = await at(0);
  const ca = await readFile(first.caFile, 'utf8');
  assert.equal(numberOf(await at(365)), numberOf(first));
  const named = await at(365, 'sandbox.example.internal');
  assert.notEqual(numberOf(named), numberOf(first), 'another name');
  assert.equal(
    new X509Certificate(named.cert).checkHost('sandbox.example.internal'),
    'sandbox.example.internal',
  );
  const renewed = await at(735, 'sandbox.example.internal');
  assert.notEqual(numberOf(renewed), numberOf(named), 'it expires soon');
  assert.equal(await readFile(first.caFile, 'utf8'), ca, 'nobody has to trust anew');
  await at(790);
  assert.notEqual(await readFile(first.caFile, 'utf8'), ca, 'the authority expires soon');
});

test('what is missing, cut off or of another authority is made anew', async (t) => {
  const home = await newHome(t);
  const now = new Date();
  let before = await ensureCertificate(home, { host, now });
  for (const [file, text] of [
    ['server-key.pem', ''],
    ['server.pem', 'half'],
    ['ca-key.pem', 'none'],
    ['ca.pem', ''],
  ] as const) {
    await writeFile(join(home, 'tls', file), text);
    const made = await ensureCertificate(home, { host, now });
    assert.notEqual(numberOf(made), numberOf(before), file);
    const ca = await readFile(made.caFile, 'utf8');
    assert.equal(await ask(t, made, ca, 'localhost'), 204, file);
    before = made;
  }
});

test('files that cannot be used are named in a sentence', async (t) => {
  const home = await newHome(t);
  await writeFile(join(home, 'tls'), 'a file');
  await assert.rejects(ensureCertificate(home, { host, now: new Date() }), {
    name: 'ConfigError',
    message: /tls cannot be used for TLS: something that is not a directory is in its place\./,
  });
  await assert.rejects(trustAuthority(join(home, 'none.pem')), {
    name: 'ConfigError',
    message:
      /none\.pem, cannot be used: it does not exist\. The next "unwind start --tls" makes it anew\./,
  });
});
