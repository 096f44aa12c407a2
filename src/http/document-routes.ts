// The API document and the page that shows it (`/openapi.json`, `/docs` and the files of that page, which in a
// sandbox sends requests too: browser/), the first page `/`, and the icon. All may be kept, and nothing is fetched from anywhere else.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fastify, { type FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { Contract } from '../auth/store.ts';
import { packageVersion } from '../settings/package-version.ts';
import { htmlPage, staticPagePolicy } from './error-pages.ts';
import type { OpenResponse, OpenRoute } from './open-route.ts';
import { makeDocument } from './openapi/document.ts';
import { sampleAddress } from './openapi/sample-request.ts';
import type { SignedRoute } from './pipeline.ts';

/** How long a response may be used before it is asked for again, in s; the tag then saves the body. */
const keepS = 300;

/** What a reader of the page in a sandbox chooses a client with: browser/try-it.js makes it work. */
const tryIt = `<div id="try-it">
<p class="try-it-status" role="status">Choose a client, and “Test Request” sends signed requests: the page itself fills in client id, token, idempotency key and signature.</p>
<button type="button" id="try-it-open">Choose a client…</button>
</div>
<dialog id="try-it-dialog" aria-labelledby="try-it-title">
<h2 id="try-it-title">Sign the requests of this page</h2>
<p>The private key stays in the memory of this page: it is not sent, not stored, and gone when you leave. The
client’s secret goes to this service alone, for a token. The page fills in the headers <code>upvest-client-id</code>,
<code>authorization</code>, <code>idempotency-key</code> and those of the signature, whatever the request shows.</p>
<form id="try-it-form">
<label>Files: <code>sandbox-client.json</code> of <code>UNWIND_HOME</code> (usually <code>.unwind</code>) and a key from <code>keys/</code>
beside it, both at once, or other keys in PEM <input type="file" id="try-it-files" multiple></label>
<label>Client id <input name="client" autocomplete="off" spellcheck="false" required></label>
<label>Client secret <input name="secret" type="password" autocomplete="off" required></label>
<label>Scopes, with spaces between them <input name="scopes" autocomplete="off" spellcheck="false" required></label>
<label>Key id <input name="key-id" autocomplete="off" spellcheck="false" required></label>
<label>Private key: Ed25519, P-256, P-384 or P-521, PKCS #8 in PEM
<textarea name="key" rows="4" autocomplete="off" spellcheck="false" required></textarea></label>
<p class="try-it-status" role="alert"></p>
<button type="submit">Use this client</button>
<button type="button" id="try-it-close">Cancel</button>
</form>
</dialog>
`;

function docsPageOf(hasTryIt: boolean): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Unwind API</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
${hasTryIt ? tryIt : ''}<div id="reference" data-try-it="${hasTryIt ? 'yes' : 'no'}"></div>
<noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/scalar.js"></script>
<script type="module" src="/docs/docs.js"></script>
</body>
</html>
`;
}

function isSandbox(routes: readonly SignedRoute[]): boolean {
  return routes.some(({ scopes }) => scopes.includes('tests:admin'));
}

/** The page at the address of the service. */
function firstPage({ routes, warning }: Documented): string {
  const mode = isSandbox(routes)
    ? 'This is a <strong>sandbox</strong>: its market is simulated, and no money moves.'
    : 'This service is <strong>live</strong>.';
  const api =
    routes.length === 0
      ? '<p>This process does the work of others; it answers no requests but probes.</p>'
      : `<p>${mode}</p>
<ul>
<li><a href="/docs">How to use the API</a>, with samples in curl, TypeScript, Python, Go and Java</li>
<li><a href="/openapi.json">The API document</a>, OpenAPI 3.1</li>
<li><a href="/errors">Errors</a>: what each means, and what to do</li>
<li><a href="/readyz">Whether it is ready</a></li>
</ul>`;
  const alarm =
    warning === undefined ? '' : `<p style="color: #d00; font-weight: bold">${warning}</p>\n`;
  return htmlPage(
    'Unwind',
    `${alarm}<p>Unwind turns every position of a brokerage account into cash, exactly once, and reports every step.</p>
${api}`,
  );
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#1d4ed8"/>
<path d="M9 8v9a7 7 0 0 0 14 0V8" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round"/>
</svg>
`;

/** The page may run its own scripts and ask this service, and nothing else. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Documented {
  readonly routes: readonly SignedRoute[];
  readonly open: readonly OpenRoute[];
  /** Of the document; default the reference. */
  readonly contract?: Contract | undefined;
  /** A sentence for the first page, in letters that mean nothing in HTML. */
  readonly warning?: string | undefined;
}

/** The routes of this file, for a server that has these others. */
export function documentRoutes(others: Documented): readonly OpenRoute[] {
  const first = tagged(firstPage(others), 'text/html; charset=utf-8', {
    'content-security-policy': staticPagePolicy,
    link: '</docs>; rel="service-doc", </openapi.json>; rel="service-desc"',
  });
  const docs = tagged(docsPageOf(isSandbox(others.routes)), 'text/html; charset=utf-8', {
    'content-security-policy': pagePolicy,
    'referrer-policy': 'no-referrer',
  });
  const pages = [route('/', 'page', async () => first), route('/docs', 'page', async () => docs)];
  return [...pages, documentRoute(others), ...fixedRoutes];
}

/** The document of a server that has these routes, and its own. */
export function documentText({ routes, open, contract = '2023' }: Documented): string {
  const own = { method: 'GET', path: '/openapi.json', operation: 'get_openapi_document' } as const;
  const all = [...open, { ...own, work: async () => ({ status: 200 }) }];
  return JSON.stringify(makeDocument({ routes, open: all, version: packageVersion, contract }));
}

/** Addresses for which the document is kept; anybody may ask under any name. */
const addressesMax = 8;

/** `/openapi.json`: it names the address under which it was asked for. */
function documentRoute(others: Documented): OpenRoute {
  let text: string | undefined;
  const kept = new LRUCache<string, Text>({ max: addressesMax });
  return route('/openapi.json', 'get_openapi_document', async (request) => {
    const address = addressOf(request) ?? sampleAddress;
    const known = kept.get(address);
    if (known !== undefined) return known;
    text ??= documentText(others);
    // Samples in HTTP name the host alone, which no sample signs.
    const body = text
      .replaceAll(sampleAddress, address)
      .replaceAll(`host: ${new URL(sampleAddress).host}`, `host: ${new URL(address).host}`);
    const made = { body, type: 'application/json', headers: keptHeaders(body) };
    kept.set(address, made);
    return made;
  });
}

/** Where a request was sent to, if its header says so in a form that is harmless. */
function addressOf({ protocol, host }: FastifyRequest): string | undefined {
  const isHost = /^([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i.test(host);
  return isHost && /^https?$/.test(protocol) ? `${protocol}://${host}` : undefined;
}

/** A text and its entity tag. */
interface Text {
  readonly body: Buffer | string;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A text that never changes while the process lives, and its entity tag. All responses share its bytes:
 * anybody may ask for megabytes as often as a connection takes requests, and not read them.
 */
interface Tagged extends Text {
  readonly body: Buffer;
}

function tagged(text: string, type: string, headers: Record<string, string> = {}): Tagged {
  return { body: Buffer.from(text), type, headers: { ...keptHeaders(text), ...headers } };
}

function keptHeaders(text: string): Record<string, string> {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  return { etag: `"${hash}"`, 'cache-control': `public, max-age=${keepS}` };
}

function route(
  path: string,
  operation: OpenRoute['operation'],
  text: (request: FastifyRequest) => Promise<Text>,
): OpenRoute {
  const work = async (request: FastifyRequest): Promise<OpenResponse> => {
    const { body, type, headers } = await text(request);
    const isKnown = isAmong(request.headers['if-none-match'], headers['etag'] ?? '');
    return isKnown ? { status: 304, headers } : { status: 200, body, type, headers };
  };
  return { method: 'GET', path, operation, work };
}

/** RFC 9110 section 13.1.2: a list of tags, weak ones too, or a star. */
function isAmong(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}

const iconFile = tagged(icon, 'image/svg+xml');

const fixedRoutes: readonly OpenRoute[] = [
  route('/docs/scalar.js', 'page', once(loadScript)),
  route('/docs/docs.js', 'page', fileOfPage('docs.js')),
  route('/docs/try-it.js', 'page', fileOfPage('try-it.js')),
  route('/docs/sign.js', 'page', fileOfPage('sign.js')),
  route('/docs/docs.css', 'page', fileOfPage('docs.css')),
  route('/favicon.svg', 'page', async () => iconFile),
  route('/favicon.ico', 'page', async () => iconFile),
];

/** A text that only those who open the page need: read with the first of them. */
function once(read: () => Promise<Tagged>): () => Promise<Tagged> {
  let text: Promise<Tagged> | undefined;
  return () => {
    text ??= read();
    text.catch(() => {
      text = undefined;
    });
    return text;
  };
}

/** One of our own files for browsers. */
function fileOfPage(name: string): () => Promise<Tagged> {
  return once(async () => {
    const text = await readFile(new URL(`browser/${name}`, import.meta.url), 'utf8');
    const type = name.endsWith('.css') ? 'text/css' : 'text/javascript';
    return tagged(text, `${type}; charset=utf-8`);
  });
}

/** The bundle has four megabytes. */
async function loadScript(): Promise<Tagged> {
  const { default: scalar } = await import('@scalar/fastify-api-reference');
  // The package hands its bundle out as a route only.
  const app = fastify({ logger: false });
  await app.register(scalar, { routePrefix: '/docs', configuration: { url: '/openapi.json' } });
  const { body } = await app.inject('/docs/js/scalar.js');
  await app.close();
  return tagged(body, 'text/javascript; charset=utf-8');
}
