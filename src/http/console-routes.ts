// The console as a browser meets it: its one page, the files of that page, and signing in and out. What the
// page then asks for are the operations of the API, below `/console/api` (console-gate.ts).

import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type ConsoleFiles, readConsoleFiles } from '../console/files.ts';
import { scopesOf } from '../console/person.ts';
import { chooseTenant, deleteSession, findTenants } from '../console/session-store.ts';
import { endSession, signInByLink } from '../console/sessions.ts';
import { parseId } from '../ids.ts';
import { consoleTenantsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { packageVersion } from '../settings/package-version.ts';
import {
  type ConsoleGate,
  checkOwnPage,
  consoleAttempt,
  cookieName,
  readCookie,
  sessionOf,
  setCookie,
} from './console-gate.ts';
import type { OpenRoute, Work } from './open-route.ts';
import { json } from './page.ts';
import { bodyOf, jsonBody } from './pipeline.ts';

export interface ConsoleOptions extends ConsoleGate {
  readonly isSandbox: boolean;
}

/** Everything at `/console` but the operations. */
export function consoleRoutes(options: ConsoleOptions): readonly OpenRoute[] {
  const page = (path: string, work: Work): OpenRoute => {
    return { method: 'GET', path, operation: 'page', work };
  };
  const post = (path: string, work: Work): OpenRoute => {
    return { method: 'POST', path, operation: 'page', work };
  };
  const shown = [
    page('/console', () => shell(options)),
    page('/console/*', async (request) => {
      const { '*': rest = '' } = request.params as Readonly<Record<string, string>>;
      // A place in the page is one or two words; what looks like a file or an operation is none.
      if (!/^[a-z]*(\/[\w.-]*)?$/.test(rest) || rest.startsWith('api')) throw noSuchPage();
      return shell(options);
    }),
    page('/console/assets/:digest/:file', (request) => asset(request)),
  ];
  if (options.signIn === 'none') {
    return [...shown, page('/console/session', async () => json(200, { person: null }))];
  }
  return [
    ...shown,
    page('/console/session', (request) => showSession(request, options)),
    post('/console/sign-in', (request, reply) => signIn(options, request, reply)),
    post('/console/sign-out', (request, reply) => signOut(options, request, reply)),
    post('/console/tenant', (request) => changeTenant(request, options)),
  ];
}

let files: Promise<ConsoleFiles> | undefined;

/** Read with the first who opens the console. */
function filesOnce(): Promise<ConsoleFiles> {
  files ??= readConsoleFiles();
  files.catch(() => {
    files = undefined;
  });
  return files;
}

function noSuchPage(): Refusal {
  return new Refusal('not_found', 'There is no such page.');
}

const lifetime = 'public, max-age=31536000, immutable';

const asset = async (request: FastifyRequest) => {
  const { digest, file = '' } = request.params as Readonly<Record<string, string>>;
  const all = await filesOnce();
  const found = digest === all.digest ? all.files.get(file) : undefined;
  if (found === undefined) throw noSuchPage();
  return { status: 200, ...found, headers: { 'cache-control': lifetime } };
};

/** What modules import by a bare name; browsers take no map from another file. */
function importMap({ digest, imports }: ConsoleFiles): string {
  const all = Object.entries(imports).map(([name, file]) => {
    return [name, `/console/assets/${digest}/${file}`];
  });
  return JSON.stringify({ imports: Object.fromEntries(all) });
}

async function shell({ signIn: way, isSandbox }: ConsoleOptions) {
  const all = await filesOnce();
  const map = importMap(all);
  const at = `/console/assets/${all.digest}`;
  // The plots load when a page has one.
  const preloaded = [...all.files.keys()].filter((name) => {
    return name.endsWith('.js') && !/^(lib-uplot|plot|theme)/.test(name);
  });
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Unwind</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${at}/uplot.css">
<link rel="stylesheet" href="${at}/console.css">
<script src="${at}/theme.js"></script>
<script type="importmap">${map}</script>
${preloaded.map((name) => `<link rel="modulepreload" href="${at}/${name}">`).join('\n')}
<script type="module" src="${at}/main.js"></script>
</head>
<body data-sign-in="${way}" data-mode="${isSandbox ? 'sandbox' : 'live'}" data-version="${packageVersion}">
<div id="console"></div>
<noscript>The console needs JavaScript. The API is described at <a href="/docs">/docs</a>.</noscript>
</body>
</html>
`;
  const headers = {
    'content-security-policy': policyWith(map),
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  };
  return { status: 200, body, type: 'text/html; charset=utf-8', headers };
}

/** The page runs the service's own files, and nothing that stands in it but the map of imports. */
function policyWith(map: string): string {
  const hash = createHash('sha256').update(map).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}

/** Who is signed in; nobody is an answer, not an error. */
async function showSession(request: FastifyRequest, options: ConsoleOptions) {
  checkOwnPage(request);
  const session = await sessionOf(request, options);
  if (session === undefined) return json(200, { person: null });
  const tenants = await findTenants(options.sql, consoleTenantsMax);
  const { name, role, tenantId, expiresAt } = session;
  return json(200, {
    person: name,
    role,
    scopes: scopesOf(role),
    tenant: tenantId ?? null,
    tenants,
    expires_at: expiresAt.toISOString(),
  });
}

function textOf(request: FastifyRequest, name: string): string {
  const contentType = request.headers['content-type'];
  const body = jsonBody({ contentType, rawBody: bodyOf(request) });
  const value: unknown = Object(body)[name];
  if (typeof value !== 'string') throw new Refusal('bad_request', `/${name} is missing.`);
  return value;
}

/** Whoever signs in gets an id that nobody knew before; a session that was open ends. */
async function signIn(options: ConsoleOptions, ...[request, reply]: Parameters<Work>) {
  const { sql, clock, rates, isTls } = options;
  checkOwnPage(request);
  const link = textOf(request, 'link');
  const id = await rates.authenticate(consoleAttempt(request, link), async () => {
    const begun = await signInByLink(sql, clock, link);
    if (begun !== undefined) return begun;
    const detail = 'This link was used before, or its ten minutes are over.';
    throw new Refusal('unauthorized', detail);
  });
  // Who has just signed in is not kept out by others who guess behind the same address.
  rates.prove(consoleAttempt(request, id));
  await endSession(sql, readCookie(request, cookieName(request, isTls)));
  setCookie(request, reply, { id, isTls });
  return { status: 204 };
}

async function signOut(options: ConsoleOptions, ...[request, reply]: Parameters<Work>) {
  const { sql, isTls } = options;
  checkOwnPage(request);
  const session = await sessionOf(request, options);
  if (session !== undefined) await deleteSession(sql, session.hash);
  setCookie(request, reply, { id: undefined, isTls });
  return { status: 204 };
}

async function changeTenant(request: FastifyRequest, options: ConsoleOptions) {
  checkOwnPage(request);
  const session = await sessionOf(request, options);
  if (session === undefined) throw new Refusal('unauthorized', 'Nobody is signed in.');
  const tenantId = parseId<'tenant'>(textOf(request, 'tenant'));
  const isChosen =
    tenantId !== undefined && (await chooseTenant(options.sql, session.hash, tenantId));
  if (!isChosen) throw new Refusal('not_found', 'There is no such client.');
  return { status: 204 };
}
