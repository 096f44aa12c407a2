// Asks the service: the operations of the API with the session's cookie, and who is signed in. What the
// service refuses becomes an error with its own sentence.

import { signal } from '@preact/signals';

/**
 * @typedef {object} Session
 * @property {string | null} person
 * @property {'viewer' | 'operator' | 'risk'} [role]
 * @property {string[]} [scopes]
 * @property {string | null} [tenant]
 * @property {{ id: string, name: string }[]} [tenants]
 */

/**
 * Who asks: what the page asks by itself does not count as a person being there.
 * @typedef {{ signal?: AbortSignal, isBackground?: boolean }} Asked
 */

/** Who is signed in; undefined until it is known. */
export const session = signal(/** @type {Session | undefined} */ (undefined));

/** Whether another client was chosen in another tab: this page shows one that the session has left. */
export const isElsewhere = signal(false);

let isChoosing = false;

/** Ends the questions under way when the person signs out, and refuses new ones: they would have no response. */
let presence = new AbortController();

/** A refusal of the service, with its sentence for people. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  /** Whether the same question may be answered a little later. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** @param {string} scope */
export function may(scope) {
  return session.value?.scopes?.includes(scope) ?? false;
}

/**
 * @param {string} method
 * @param {string} path from the root of the service
 * @param {{ body?: unknown, headers?: Record<string, string>, signal?: AbortSignal | undefined }} [options]
 * @returns {Promise<any>} the JSON of the response
 */
async function send(method, path, { body, headers = {}, signal: aborted } = {}) {
  const tenant = session.value?.tenant;
  const answer = await fetch(path, {
    method,
    headers: {
      accept: 'application/json',
      'x-unwind-console': '1',
      ...(tenant ? { 'x-unwind-tenant': tenant } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(aborted === undefined ? {} : { signal: aborted }),
  }).catch((error) => {
    if (aborted?.aborted) throw error;
    throw new ApiError(0, 'The service does not answer. The page goes on when it is back.');
  });
  const text = await answer.text();
  const json = text === '' ? undefined : JSON.parse(text);
  if (answer.ok) return json;
  // What was asked before this tab itself chose another client says nothing.
  const isOwn = isChoosing || tenant !== session.value?.tenant;
  if (answer.headers.has('x-unwind-tenant') && !isOwn) isElsewhere.value = true;
  if (answer.status === 401 && session.value?.person) session.value = { person: null };
  throw new ApiError(answer.status, json?.detail ?? `The service answered ${answer.status}.`);
}

/**
 * @param {string} path of an operation
 * @param {Record<string, string | number | boolean | undefined>} [query]
 * @param {Asked} [asked]
 */
export function get(path, query = {}, asked = {}) {
  return read(`/console/api${path}`, query, asked);
}

/**
 * @param {string} path
 * @param {Record<string, string | number | boolean | undefined>} query
 * @param {Asked} asked
 */
function read(path, query, asked) {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    return value === undefined || value === '' ? [] : [[name, String(value)]];
  });
  const search = new URLSearchParams(pairs).toString();
  const target = `${path}${search === '' ? '' : `?${search}`}`;
  const headers = asked.isBackground ? { 'x-unwind-background': '1' } : {};
  return send('GET', target, { headers, signal: whilePresent(asked.signal) });
}

/** @param {AbortSignal | undefined} asked */
function whilePresent(asked) {
  return asked === undefined ? presence.signal : AbortSignal.any([asked, presence.signal]);
}

/**
 * @param {'POST' | 'PATCH' | 'DELETE'} method
 * @param {string} path of an operation
 * @param {unknown} [body]
 * @param {{ key?: string, reason?: string }} [why] a key is the same for the same command, however often it
 *   is sent; the reason is recorded with who did it
 */
export function change(method, path, body, { key, reason } = {}) {
  const headers = {
    ...(key === undefined ? {} : { 'idempotency-key': key }),
    ...(reason === undefined ? {} : { 'x-unwind-reason': encodeURIComponent(reason) }),
  };
  return send(method, `/console/api${path}`, body === undefined ? { headers } : { body, headers });
}

/**
 * What belongs to the service and to no client.
 * @param {string} path
 * @param {Record<string, string | number | undefined>} query
 * @param {Asked} asked
 */
export function operator(path, query, asked) {
  return read(`/console/operator${path}`, query, asked);
}

/** @param {string} path @param {unknown} [body] */
export function operate(path, body) {
  return send('POST', `/console/operator${path}`, body === undefined ? {} : { body });
}

export async function loadSession() {
  session.value = await send('GET', '/console/session');
}

/** @param {string} link */
export async function signIn(link) {
  await send('POST', '/console/sign-in', { body: { link } });
  await loadSession();
}

export async function signOut() {
  presence.abort();
  let answer;
  try {
    answer = await send('POST', '/console/sign-out');
  } catch (error) {
    presence = new AbortController();
    throw error;
  }
  // Signed out here; the provider's own page ends the session there.
  if (answer?.location) location.assign(answer.location);
  else session.value = { person: null };
}

/** @param {string} tenant */
export async function chooseTenant(tenant) {
  isChoosing = true;
  try {
    await send('POST', '/console/tenant', { body: { tenant } });
    await loadSession();
  } finally {
    isChoosing = false;
  }
}
