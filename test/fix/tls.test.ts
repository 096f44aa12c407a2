// Sessions over TLS, with real handshakes: whom we trust, by which name, and which certificate of ours a
// venue gets.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer, type TlsOptions } from 'node:tls';
import { openSocket } from '../../src/venue/fix/open-socket.ts';
import type { FixProfile } from '../../src/venue/fix/profile.ts';
import { Wire } from '../../src/venue/fix/wire.ts';
import { newAuthority } from '../egress/certificate.ts';
import { portOf } from '../support/condition.ts';

const authority = newAuthority('Authority of the venue');
const another = newAuthority('Another authority');
const never = new AbortController().signal;

/** A venue behind TLS, which greets whoever has shaken hands. */
async function startVenue(t: TestContext, options: TlsOptions): Promise<FixProfile> {
  const server = createServer(options, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.end('greeting');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    await once(server, 'close');
  });
  return {
    type: 'fix',
    mic: 'XTST',
    version: 'FIX.4.4',
    host: '127.0.0.1',
    port: portOf(server),
    sender_comp_id: 'UNWIND',
    target_comp_id: 'VENUE',
  };
}

/** Files of a profile by their contents. */
async function files(t: TestContext, contents: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'unwind-tls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const names = Object.entries(contents).map(async ([name, text]) => {
    await writeFile(join(folder, name), text);
    return [`${name}_file`, join(folder, name)] as const;
  });
  return Object.fromEntries(await Promise.all(names));
}

/** What the venue says, or why nothing is heard. */
async function heard(profile: FixProfile): Promise<string> {
  const socket = await openSocket(profile, never);
  if (typeof socket === 'string') return socket;
  const { promise, resolve } = Promise.withResolvers<string>();
  const wire = new Wire(socket, () => {
    const text = Buffer.concat(wire.read()).toString();
    if (text !== '') resolve(text);
    else if (wire.lost !== undefined) resolve(wire.lost);
  });
  const result = await promise;
  await wire.close();
  return result;
}

const right = authority.issue({ names: ['venue.example'] });

test('a venue is trusted by its authority and its name', async (t) => {
  const profile = await startVenue(t, right);
  const tls = { ...(await files(t, { ca: authority.cert })), server_name: 'venue.example' };
  assert.equal(await heard({ ...profile, tls }), 'greeting');
});

test('an authority that is not trusted is named as the cause', async (t) => {
  const profile = await startVenue(t, right);
  const tls = { ...(await files(t, { ca: another.cert })), server_name: 'venue.example' };
  assert.match(
    await heard({ ...profile, tls }),
    /not trusted: name that authority in tls\.ca_file/,
  );
  const byDefault = { server_name: 'venue.example' };
  assert.match(await heard({ ...profile, tls: byDefault }), /not trusted: name that authority/);
});

test('another name than that of the certificate is named as the cause', async (t) => {
  const profile = await startVenue(t, right);
  const tls = { ...(await files(t, { ca: authority.cert })), server_name: 'other.example' };
  assert.match(await heard({ ...profile, tls }), /is for another name: .*tls\.server_name/);
});

test('a certificate that has expired is named as the cause', async (t) => {
  const day = 86_400_000;
  const [from, to] = [new Date(Date.now() - 2 * day), new Date(Date.now() - day)];
  const profile = await startVenue(t, authority.issue({ names: ['venue.example'], from, to }));
  const tls = { ...(await files(t, { ca: authority.cert })), server_name: 'venue.example' };
  assert.match(await heard({ ...profile, tls }), /has expired: the venue has to renew it/);
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a venue of ${version} that wants our certificate gets it, and refuses another`, async (t) => {
    const own = newAuthority('Authority of brokers');
    const asks = { requestCert: true, rejectUnauthorized: true, ca: own.cert };
    const versions = { minVersion: version, maxVersion: version };
    const profile = await startVenue(t, { ...right, ...asks, ...versions });
    const attempt = async (contents: Readonly<Record<string, string>>) => {
      const given = await files(t, { ca: authority.cert, ...contents });
      return heard({ ...profile, tls: { ...given, server_name: 'venue.example' } });
    };
    assert.equal(await attempt({ ...own.issue({ names: ['broker.example'] }) }), 'greeting');
    // In TLS 1.3 this side has shaken hands before the venue looks at its certificate, and may see the end
    // of the connection before the reason.
    const late = version === 'TLSv1.3' ? '|the venue closed the connection' : '';
    const refused = new RegExp(`certificate of this side${late}`);
    assert.match(await attempt({}), refused);
    assert.match(await attempt({ ...another.issue({ names: ['broker.example'] }) }), refused);
  });
}

test('a venue without TLS, no venue, and files that are not there are different faults', async (t) => {
  const profile = await startVenue(t, right);
  const gone = { ...profile, tls: { ca_file: '/nowhere/ca.pem' } };
  assert.match(await heard(gone), /the TLS settings cannot be used: ENOENT.*\/nowhere\/ca\.pem/);
  assert.match(await heard({ ...profile, port: 1 }), /nothing listens there: check host and port/);
});
