// Requests of the page at `/docs`, signed with a key that its reader chooses. The key and what is chosen with it
// stay in the memory of the page: the service sees signatures, nothing is stored, and the form is emptied of them.

import { KeyError, readKey, signedHeaders } from './sign.js';

/**
 * @typedef {import('./sign.js').SigningKey} SigningKey
 * @typedef {{ clientId: string, clientSecret: string, keyId: string, scopes: string, key: SigningKey }} Identity
 * @typedef {{ text: string, endsAt: number }} Token
 * @typedef {{ method: string, target: string, headers: Record<string, string>, body: Uint8Array<ArrayBuffer> }} Outgoing
 */

/** @type {Identity | undefined} */
let identity;
/** @type {Token | undefined} */
let token;

/** A token is renewed so long before it ends, in ms. */
const renewBeforeMs = 60_000;

/** What signing sets itself, whatever the form of the page has filled in. */
const own = [
  'authorization',
  'content-digest',
  'digest',
  'signature',
  'signature-input',
  'upvest-client-id',
  'upvest-signature-version',
];

/** What is asked without a token. */
const withoutToken = ['/auth/token', '/auth/revoke'];

/**
 * `fetch` for the page: signs what goes to the service, and goes nowhere else.
 *
 * @param {RequestInfo | URL} input
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function signedFetch(input, init) {
  const request = new Request(input, init);
  const { origin, pathname, search } = new URL(request.url);
  if (origin !== location.origin)
    throw new Error(`This page asks no server but ${location.origin}.`);
  if (pathname === '/openapi.json') return fetch(request);
  if (identity === undefined) {
    say('Choose a client first: without its key the request would not be signed.', 'error');
    throw new Error('Choose a client above first: without its key this request is not signed.');
  }
  const { method } = request;
  const body = new Uint8Array(await request.arrayBuffer());
  const headers = Object.fromEntries(request.headers);
  for (const name of own) delete headers[name];
  // The form shows the example of the document; another request under one key would be a conflict.
  if (headers['idempotency-key'] !== undefined) headers['idempotency-key'] = crypto.randomUUID();
  const target = pathname + search;
  const bearer = withoutToken.includes(pathname) ? undefined : await validToken(identity);
  const response = await send(identity, {
    method,
    target,
    headers: bearer === undefined ? headers : { ...headers, authorization: `Bearer ${bearer}` },
    body,
  });
  if (response.status === 401) token = undefined;
  return response;
}

/**
 * @param {Identity} by
 * @param {Outgoing} request
 */
async function send(by, { method, target, headers, body }) {
  const all = { accept: 'application/json', ...headers, 'upvest-client-id': by.clientId };
  const unsigned = { method, target, headers: all, body };
  const signed = await signedHeaders(unsigned, { ...by, now: new Date() });
  const response = await fetch(target, {
    method,
    headers: signed,
    redirect: 'error',
    ...(body.length === 0 ? {} : { body }),
  });
  if (response.status === 401) await explain({ ...unsigned, headers: signed });
  return response;
}

/**
 * A token of the client, with all its scopes. @throws where the service gives none.
 *
 * @param {Identity} by
 */
async function validToken(by) {
  if (token !== undefined && Date.now() < token.endsAt - renewBeforeMs) return token.text;
  const form = new URLSearchParams({
    client_id: by.clientId,
    client_secret: by.clientSecret,
    grant_type: 'client_credentials',
    scope: by.scopes,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new TextEncoder().encode(form.toString());
  const askedAt = Date.now();
  const response = await send(by, { method: 'POST', target: '/auth/token', headers, body });
  const json = await response.json();
  if (!response.ok) throw new Error(`The service gives no token: ${json.detail}`);
  token = { text: json.access_token, endsAt: askedAt + json.expires_in * 1_000 };
  say(
    `Requests of this page are signed by ${by.key.name} as client ${by.clientId}, with ` +
      `${json.scope.split(' ').length} scopes.`,
    'ready',
  );
  return token.text;
}

/**
 * Says why the service refuses a signature, in the words of its own inspector.
 *
 * @param {Outgoing} refused
 */
async function explain({ method, target, headers, body }) {
  const lines = Object.entries({ host: location.host, ...headers, 'content-length': body.length });
  const head = [`${method} ${target} HTTP/1.1`, ...lines.map((line) => line.join(': ')), '', ''];
  const response = await fetch('/tests/signature', {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'message/http' },
    body: new Blob([head.join('\r\n'), body]),
  });
  if (!response.ok) return;
  const { first_fault: fault } = await response.json();
  // A signature that is right comes with a secret or a token that is not: the response itself says so.
  if (fault === null) return;
  const isOtherKey = fault.code === 'signature_invalid'; // this page signs the right bytes
  const remedy = isOtherKey
    ? 'The private key is not the one whose public key is registered under this key id.'
    : fault.remedy;
  say(`The signature is refused: ${fault.detail} ${remedy}`, 'error');
}

/**
 * @template {Element} Kind
 * @param {string} selector
 * @param {new () => Kind} kind
 */
function part(selector, kind) {
  const found = document.querySelector(selector);
  if (found instanceof kind) return found;
  throw new TypeError(`The page has no ${selector}.`);
}

/** @param {string} name */
function field(name) {
  const found = part('#try-it-form', HTMLFormElement).elements.namedItem(name);
  if (found instanceof HTMLInputElement || found instanceof HTMLTextAreaElement) return found;
  throw new TypeError(`The form has no field ${name}.`);
}

/**
 * @param {string} text
 * @param {'ready' | 'error'} kind
 */
function say(text, kind) {
  for (const place of document.querySelectorAll('.try-it-status')) {
    place.textContent = text;
    place.setAttribute('data-kind', kind);
  }
}

/** Files are small; a larger one is none of those that are meant. */
const fileBytesMax = 100_000;

/**
 * Takes what the files say: `sandbox-client.json`, private keys, or both together.
 *
 * @param {readonly File[]} files
 */
async function takeFiles(files) {
  const texts = await Promise.all(
    files.map(async (file) => {
      if (file.size > fileBytesMax) throw new KeyError(`${file.name} is too large for a key.`);
      return { name: file.name, text: await file.text() };
    }),
  );
  const clientFile = texts.find(({ text }) => text.trimStart().startsWith('{'));
  const keyFile = texts.find(({ text }) => text.includes('-----BEGIN '));
  if (keyFile !== undefined) field('key').value = keyFile.text;
  if (clientFile === undefined) return;
  const { client_id: id, client_secret: secret, keys = [], scopes = [] } = clientIn(clientFile);
  field('client').value = id ?? '';
  field('secret').value = secret ?? '';
  field('scopes').value = scopes.join(' ');
  const known = keys.find((key) => key.private_key_file.split(/[\\/]/).at(-1) === keyFile?.name);
  field('key-id').value = known?.key_id ?? '';
  if (keyFile === undefined) {
    const names = keys.map((key) => key.private_key_file).join(' or ');
    say(`Now choose the private key: ${names}`, 'ready');
  }
}

/**
 * @param {{ name: string, text: string }} file
 * @returns {{ client_id?: string, client_secret?: string, scopes?: string[], keys?: { key_id: string, private_key_file: string }[] }}
 */
function clientIn({ name, text }) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KeyError(`${name} is not JSON.`, { cause: error });
  }
}

/** Signs with what the form holds from now on, if the service takes it. */
async function useClient() {
  const named = ['client', 'secret', 'key-id', 'scopes'].map((name) => field(name).value.trim());
  const [clientId = '', clientSecret = '', keyId = '', scopes = ''] = named;
  const entered = { clientId, clientSecret, keyId, scopes, key: await readKey(field('key').value) };
  token = undefined;
  identity = undefined;
  await validToken(entered);
  identity = entered;
}

/** Takes key and secret out of the form, and the files that had them: the next one who opens it finds neither. */
function forget() {
  for (const place of [field('key'), field('secret'), part('#try-it-files', HTMLInputElement)]) {
    place.value = '';
  }
}

/** @param {() => Promise<void>} work */
async function attempt(work) {
  say('', 'ready');
  try {
    await work();
  } catch (error) {
    const isExplained = part('.try-it-status', HTMLElement).dataset['kind'] === 'error';
    if (!isExplained) say(error instanceof Error ? error.message : String(error), 'error');
  }
}

/** Lets the reader choose a client: makes the bar and the form of the page work. */
export function offerTryIt() {
  const dialog = part('#try-it-dialog', HTMLDialogElement);
  const files = part('#try-it-files', HTMLInputElement);
  part('#try-it-open', HTMLButtonElement).addEventListener('click', () => dialog.showModal());
  part('#try-it-close', HTMLButtonElement).addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', forget);
  files.addEventListener('change', () => attempt(() => takeFiles([...(files.files ?? [])])));
  part('#try-it-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(async () => {
      await useClient();
      dialog.close();
    });
  });
}
