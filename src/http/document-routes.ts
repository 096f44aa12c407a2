// The API document and the page that shows it (`/openapi.json`, `/docs` and the script of that page), the
// first page `/`, and the icon. All may be kept, and nothing is fetched from anywhere else.

import { createHash } from 'node:crypto';
import fastify, { type FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { packageVersion } from '../settings/package-version.ts';
import { htmlPage, staticPagePolicy } from './error-pages.ts';
import type { OpenAnswer, OpenRoute } from './open-route.ts';
import { makeDocument } from './openapi/document.ts';
import { sampleAddress } from './openapi/sample-request.ts';
import type { SignedRoute } from './pipeline.ts';

/** How long an answer may be used before it is asked for again, in s; the tag then saves the body. */
const keepS = 300;

const configuration = {
  url: '/openapi.json',
  title: 'Unwind',
  // Nothing that talks to the outside, and no client in the page: it could not sign.
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true, hideAddApi: true },
  mcp: { disabled: true },
  hideTestRequestButton: true,
  hideClientButton: true,
  // Generated samples would not be signed either.
  hiddenClients: true,
  showDeveloperTools: 'never',
  defaultOpenAllTags: true,
  hideModels: false,
};

const inlineScript = `Scalar.createApiReference('#reference', ${JSON.stringify(configuration)});`;

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Unwind API</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
</head>
<body>
<div id="reference"></div>
<noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/scalar.js"></script>
<script>${inlineScript}</script>
</body>
</html>
`;

/** The page at the address of the service. */
function firstPage({ routes, warning }: Documented): string {
  const isSandbox = routes.some(({ scopes }) => scopes.includes('tests:admin'));
  const mode = isSandbox
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
  `script-src 'self' 'sha256-${createHash('sha256').update(inlineScript).digest('base64')}'`,
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
  /** A sentence for the first page, in letters that mean nothing in HTML. */
  readonly warning?: string | undefined;
}

/** The routes of this file, for a server that has these others. */
export function documentRoutes(others: Documented): readonly OpenRoute[] {
  const first = tagged(firstPage(others), 'text/html; charset=utf-8', {
    'content-security-policy': staticPagePolicy,
    link: '</docs>; rel="service-doc", </openapi.json>; rel="service-desc"',
  });
  return [route('/', 'page', async () => first), documentRoute(others), ...fixedRoutes];
}

/** The document of a server that has these routes, and its own. */
export function documentText({ routes, open }: Documented): string {
  const own = { method: 'GET', path: '/openapi.json', operation: 'get_openapi_document' } as const;
  const all = [...open, { ...own, work: async () => ({ status: 200 }) }];
  return JSON.stringify(makeDocument({ routes, open: all, version: packageVersion }));
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
 * A text that never changes while the process lives, and its entity tag. All answers share its bytes:
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
  const work = async (request: FastifyRequest): Promise<OpenAnswer> => {
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

const docsPage = tagged(page, 'text/html; charset=utf-8', {
  'content-security-policy': pagePolicy,
  'referrer-policy': 'no-referrer',
});

const iconFile = tagged(icon, 'image/svg+xml');

const fixedRoutes: readonly OpenRoute[] = [
  route('/docs', 'page', async () => docsPage),
  route('/docs/scalar.js', 'page', scalarScript),
  route('/favicon.svg', 'page', async () => iconFile),
  route('/favicon.ico', 'page', async () => iconFile),
];

let script: Promise<Tagged> | undefined;

/** The bundle, four megabytes, which only those who open the page need: loaded with the first of them. */
function scalarScript(): Promise<Tagged> {
  script ??= loadScript();
  script.catch(() => {
    script = undefined;
  });
  return script;
}

async function loadScript(): Promise<Tagged> {
  const { default: scalar } = await import('@scalar/fastify-api-reference');
  // The package hands its bundle out as a route only.
  const app = fastify({ logger: false });
  await app.register(scalar, { routePrefix: '/docs', configuration: { url: '/openapi.json' } });
  const { body } = await app.inject('/docs/js/scalar.js');
  await app.close();
  return tagged(body, 'text/javascript; charset=utf-8');
}
