// The one page of the console and the files that it loads, with the headers that keep others out of it.

import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type ConsoleFiles, readConsoleFiles } from '../console/files.ts';
import { Refusal } from '../refusal.ts';
import { packageVersion } from '../settings/package-version.ts';

let files: Promise<ConsoleFiles> | undefined;

/** Read with the first who opens the console. */
function filesOnce(): Promise<ConsoleFiles> {
  files ??= readConsoleFiles();
  files.catch(() => {
    files = undefined;
  });
  return files;
}

export function noSuchPage(): Refusal {
  return new Refusal('not_found', 'There is no such page.');
}

const lifetime = 'public, max-age=31536000, immutable';

export const asset = async (request: FastifyRequest) => {
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

/** What the page is drawn for. */
export interface Shell {
  readonly signIn: 'link' | 'openid' | 'none';
  readonly isSandbox: boolean;
  /** Why a sign-in was refused, with the status of that. */
  readonly refused?: { readonly status: number; readonly words: string };
}

/** The one page; what it shows follows from its address. */
export async function shell({ signIn: way, isSandbox, refused }: Shell) {
  const all = await filesOnce();
  const map = importMap(all);
  const at = `/console/assets/${all.digest}`;
  // The plots load when a page has one.
  const preloaded = [...all.files.keys()].filter((name) => {
    return name.endsWith('.js') && !/^(lib-uplot|plot|theme)/.test(name);
  });
  const said = refused === undefined ? '' : ` data-refused="${escaped(refused.words)}"`;
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
<body data-sign-in="${way}" data-mode="${isSandbox ? 'sandbox' : 'live'}" data-version="${packageVersion}"${said}>
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
  return { status: refused?.status ?? 200, body, type: 'text/html; charset=utf-8', headers };
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

/** Escapes a text for an attribute. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
