// Requests that the page at `/docs` sends, in a real browser on a real service: signed by the key that its reader
// chooses, which stays in the page.
// Long by nature: it has a browser.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { after, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { systemClock } from '../../src/clock.ts';
import { newPage, noChromium, startChromium } from '../console/chromium.ts';
import { type AfterTest, createTestDatabase } from '../support/database.ts';
import { makeApiClient, outgoing, type Signer, send, startHttp } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
// The page signs by the clock of this machine.
const options = { sql, clock: systemClock, showSignatureBase: true, ignoresUnknownScopes: true };
const service = await startHttp({ after }, options);
const client = await makeApiClient(sql, systemClock, {
  keyTypes: ['ed25519', 'P-256', 'P-384', 'P-521'],
});

function pemOf(key: KeyObject, type: 'pkcs8' | 'sec1' = 'pkcs8'): string {
  return String(key.export({ format: 'pem', type: type as 'pkcs8' }));
}

interface Docs {
  readonly page: Page;
  /** Everything that the page has sent, as text. */
  readonly sent: readonly string[];
  choose(fields: { pem: string; keyId?: string; secret?: string }): Promise<void>;
}

/** One page for all tests: it takes seconds to show the document. */
async function openDocs(t: AfterTest, browser: Browser, expects: RegExp): Promise<Docs> {
  const page = await newPage(t, browser, { expects });
  const sent: string[] = [];
  page.on('request', (request) => {
    const headers = JSON.stringify(request.headers());
    sent.push(`${request.method()} ${request.url()} ${headers} ${request.postData() ?? ''}`);
  });
  await page.goto(`http://127.0.0.1:${service.port}/docs#tag/webhooks/GET/webhooks`);
  const choose: Docs['choose'] = async ({ pem, keyId = client.keyId, secret }) => {
    const form = page.getByRole('dialog', { name: 'Sign the requests' });
    if (!(await form.isVisible()))
      await page.getByRole('button', { name: 'Choose a client' }).click();
    await form.getByLabel('Client id').fill(client.clientId);
    await form.getByLabel('Client secret').fill(secret ?? client.clientSecret);
    await form.getByLabel('Scopes').fill(client.scopes.join(' '));
    await form.getByLabel('Key id').fill(keyId);
    await form.getByLabel('Private key:').fill(pem);
    await form.getByRole('button', { name: 'Use this client' }).click();
  };
  return { page, sent, choose };
}

/** Sends a signed request by what the reference sends its own by. @returns the status. */
function ask(page: Page): Promise<number> {
  const program =
    "import('/docs/try-it.js').then(async (page) => (await page.signedFetch('/webhooks?limit=2')).status)";
  return page.evaluate(program) as Promise<number>;
}

if (noChromium !== false) {
  test('requests in a browser', { skip: noChromium });
} else {
  const browser = await startChromium({ after });
  const { page, sent, choose } = await openDocs({ after }, browser, /401/);
  const signers = new Map(
    ['Ed25519', 'P-256', 'P-384', 'P-521'].map((name, at) => {
      return [name, client.signers[at] as Signer];
    }),
  );

  for (const [name, { key, keyId }] of signers) {
    test(`a request signed with ${name} is accepted, and the key stays in the page`, async () => {
      const pem = pemOf(key.privateKey);
      await choose({ pem, keyId });
      await page.getByText(`Requests of this page are signed by ${name}`).first().waitFor();
      assert.equal(await ask(page), 200);
      const secretPart = pem.split('\n')[1] ?? assert.fail();
      assert.ok(
        sent.some((text) => text.includes(client.clientSecret)),
        'for a token',
      );
      for (const text of sent) {
        assert.ok(!text.includes(secretPart) && !text.includes(encodeURIComponent(secretPart)));
        if (/ http:\S+\/auth\/token /.test(text)) continue;
        assert.ok(!text.includes(client.clientSecret), text);
      }
      const kept = await page.evaluate(async () => {
        const page = globalThis as unknown as { localStorage: object; sessionStorage: object };
        const { localStorage, sessionStorage } = page;
        return JSON.stringify([{ ...localStorage }, { ...sessionStorage }]);
      });
      assert.ok(!kept.includes(secretPart) && !kept.includes(client.clientSecret), kept);
      const databases = await page.evaluate('indexedDB.databases()');
      assert.deepEqual(databases, []);
    });
  }

  test('the files of a sandbox are all that it takes', async () => {
    const { key, keyId } = signers.get('P-521') ?? assert.fail();
    const file = `${client.clientId}-ecdsa-p521.pem`;
    const told = {
      base_url: 'http://127.0.0.1:8080',
      client_id: client.clientId,
      client_secret: client.clientSecret,
      keys: [{ key_id: keyId, algorithm: 'ecdsa-p521', private_key_file: `/home/keys/${file}` }],
      scopes: client.scopes,
    };
    await page.getByRole('button', { name: 'Choose a client' }).click();
    const sandboxFile = {
      name: 'sandbox-client.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(told)),
    };
    await page.locator('#try-it-files').setInputFiles([sandboxFile]);
    await page.getByText(`Now choose the private key: /home/keys/${file}`).first().waitFor();
    const keyFile = { name: file, mimeType: '', buffer: Buffer.from(pemOf(key.privateKey)) };
    await page.locator('#try-it-files').setInputFiles([sandboxFile, keyFile]);
    await page.getByRole('button', { name: 'Use this client' }).click();
    await page.getByText('Requests of this page are signed by P-521').first().waitFor();
    assert.equal(await ask(page), 200);
  });

  test('the form keeps neither key nor secret once it is closed, used or not', async () => {
    const inForm = () => {
      const values = "['key', 'secret'].map((name) => form.elements.namedItem(name).value)";
      const program = `(() => { const form = document.querySelector('#try-it-form');
        return [...${values}, document.querySelector('#try-it-files').value]; })()`;
      return page.evaluate(program) as Promise<readonly string[]>;
    };
    const { key, keyId } = signers.get('P-256') ?? assert.fail();
    const closed = () => page.locator('#try-it-dialog').waitFor({ state: 'hidden' });
    await choose({ pem: pemOf(key.privateKey), keyId });
    await page.getByText('Requests of this page are signed by P-256').first().waitFor();
    await closed();
    assert.deepEqual(await inForm(), ['', '', '']);
    assert.equal(await ask(page), 200, 'and it goes on signing');
    await choose({ pem: 'nonsense' });
    await page.getByRole('alert').getByText('no private key in PEM').waitFor();
    assert.equal((await inForm())[0], 'nonsense', 'what is refused can be mended');
    await page.keyboard.press('Escape');
    await closed();
    assert.deepEqual(await inForm(), ['', '', '']);
  });

  test('a wrong key, a wrong secret, and no client at all are reported in words', async () => {
    const told = (text: string | RegExp) => page.getByRole('alert').getByText(text).waitFor();
    const other = generateKeyPairSync('ed25519').privateKey;
    await choose({ pem: pemOf(other) });
    await told(/The signature is refused: .*is not the one whose public key/s);
    const own = signers.get('Ed25519') ?? assert.fail();
    await choose({ pem: pemOf(own.key.privateKey), secret: 'x'.repeat(43) });
    await told(/The service gives no token: .*secret/);
  });

  test('a key that the page cannot use is refused with what to do, and nothing is sent', async () => {
    const { key } = signers.get('P-256') ?? assert.fail();
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
    const open = pemOf(key.privateKey);
    const sealed = String(
      key.privateKey.export({
        format: 'pem',
        type: 'pkcs8',
        cipher: 'aes-256-cbc',
        passphrase: 'x',
      }),
    );
    const publicPem = generateKeyPairSync('ed25519').publicKey.export({
      format: 'pem',
      type: 'spki',
    });
    const table: readonly (readonly [pem: string, says: RegExp])[] = [
      ['nonsense', /no private key in PEM/],
      [String(publicPem), /This is a public key/],
      [pemOf(key.privateKey, 'sec1'), /openssl pkcs8 -topk8/],
      [sealed, /Decrypt it first/],
      [pemOf(rsa), /none of Ed25519, P-256, P-384 and P-521/],
      [open.replace(/.{12}\n-----END/, '\n-----END'), /damaged|none of/],
    ];
    const before = sent.length;
    for (const [pem, says] of table) {
      await choose({ pem });
      await page.getByRole('alert').getByText(says).waitFor();
    }
    const asked = sent.slice(before).filter((text) => !/scalar|\.svg|openapi/.test(text));
    assert.deepEqual(asked, []);
  });

  test('“Test Request” of the reference sends a signed request, with a body', async () => {
    const { key, keyId } = signers.get('P-256') ?? assert.fail();
    await choose({ pem: pemOf(key.privateKey), keyId });
    await page.getByText('Requests of this page are signed by P-256').first().waitFor();
    await page.getByRole('button', { name: /Test Request.*post \/webhooks\)/ }).click();
    const answered = page.waitForResponse((response) => response.url().endsWith('/webhooks'));
    await page.getByRole('button', { name: 'Send post request to' }).click();
    assert.equal((await answered).status(), 201);
  });
}

test('a live service offers no requests in the page', async () => {
  const live = await startHttp({ after }, { ...options, isSandbox: false });
  const { text } = await send(live, outgoing('GET', '/docs'));
  assert.match(text, /data-try-it="no"/);
  assert.doesNotMatch(text, /Choose a client/);
});
