// The API document and the page that shows it: `/openapi.json`, `/docs` and the script of that page, and
// `/`, which leads there. All are the same for everybody and may be kept; nothing is fetched from anywhere else.

import { createHash } from 'node:crypto';
import fastify, { type FastifyRequest } from 'fastify';
import { packageVersion } from '../settings/package-version.ts';
import type { OpenAnswer, OpenRoute } from './open-route.ts';
import { makeDocument } from './openapi/document.ts';
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
</head>
<body>
<div id="reference"></div>
<noscript>This page needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/scalar.js"></script>
<script>${inlineScript}</script>
</body>
</html>
`;

/** @param warning in letters that mean nothing in HTML. */
const indexWith = (warning: string | undefined) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Unwind</title>
<style>:root { color-scheme: light dark } body { font: 16px/1.6 system-ui, sans-serif; margin: 3rem }</style>
</head>
<body>
<h1>Unwind</h1>
${warning === undefined ? '' : `<p style="color: #d00; font-weight: bold">${warning}</p>\n`}<p>This is an API: <a href="/docs">how to use it</a>, <a href="/openapi.json">its
document</a>.</p>
</body>
</html>
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
  readonly warning?: string | undefined;
}

/** The routes of this file, for a server that has these others. */
export function documentRoutes(others: Documented): readonly OpenRoute[] {
  let document: Tagged | undefined;
  const madeOnce = async () => {
    document ??= tagged(documentText(others), 'application/json');
    return document;
  };
  return ownRoutes(madeOnce, others.warning);
}

/** The document of a server that has these routes, and its own. */
export function documentText({ routes, open }: Documented): string {
  const own = ownRoutes(async () => docsPage);
  return JSON.stringify(makeDocument({ routes, open: [...open, ...own], version: packageVersion }));
}

function ownRoutes(document: () => Promise<Tagged>, warning?: string): readonly OpenRoute[] {
  const indexPage = indexTagged(warning);
  return [
    route('/', 'page', async () => indexPage),
    route('/openapi.json', 'get_openapi_document', document),
    route('/docs', 'page', async () => docsPage),
    route('/docs/scalar.js', 'page', scalarScript),
  ];
}

/**
 * A text that never changes while the process lives, and its entity tag. All answers share its bytes:
 * anybody may ask for megabytes as often as a connection takes requests, and not read them.
 */
interface Tagged {
  readonly body: Buffer;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
}

function tagged(text: string, type: string, headers: Record<string, string> = {}): Tagged {
  const body = Buffer.from(text);
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  const kept = { etag: `"${hash}"`, 'cache-control': `public, max-age=${keepS}` };
  return { body, type, headers: { ...kept, 'x-content-type-options': 'nosniff', ...headers } };
}

function route(
  path: string,
  operation: OpenRoute['operation'],
  text: () => Promise<Tagged>,
): OpenRoute {
  const work = async (request: FastifyRequest): Promise<OpenAnswer> => {
    const { body, type, headers } = await text();
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

const indexTagged = (warning: string | undefined) =>
  tagged(indexWith(warning), 'text/html; charset=utf-8', {
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    link: '</docs>; rel="service-doc", </openapi.json>; rel="service-desc"',
  });

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
