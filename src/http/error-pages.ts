// A page for each kind of error, at `/errors/{slug}`: what it means, what to do, how it looks. Where a
// base URL is configured, the `type` of every error is the address of its page (RFC 9457, 3.1.1).

import { Refusal, type RefusalCode } from '../refusal.ts';
import { type OpenRoute, page } from './open-route.ts';
import { problemKinds } from './problem.ts';

interface Explanation {
  readonly meaning: string;
  readonly remedies: readonly string[];
  /** A `detail` as the service says it. */
  readonly example: string;
  /** Header lines that belong to it. */
  readonly headers?: readonly string[];
}

const sendAgain =
  'Send the request again after the seconds in retry-after, signed anew and with the same ' +
  'idempotency-key: it is carried out once, however often it arrives.';

/** An error without a page does not compile. Text between backticks is shown as code. */
const explanations: Readonly<Record<RefusalCode, Explanation>> = {
  bad_request: {
    meaning: 'The request does not have the form that the operation needs. Nothing was changed.',
    remedies: [
      'Read `detail`: it names the header, the parameter or the place in the body.',
      'Members and parameters that the operation does not know are refused too.',
      'Leave `upvest-api-version` out or set it to `1`.',
    ],
    example: '/user_id is no UUID.',
  },
  unauthorized: {
    meaning:
      'The service did not accept the access token, the client or the signature. It does not say ' +
      'which of client, secret and key was wrong.',
    remedies: [
      'A token lives 1800 seconds: ask for a new one at `POST /auth/token`.',
      'Cover method, path, query, `authorization` and the digest of the body; sign with a live key ' +
        'of this client; set `created` to now: at most 300 seconds ago, 30 ahead.',
      'Each signature counts once: a request that is sent again is signed again.',
      'In sandbox mode `detail` ends with the signature base that the service computed: compare it ' +
        'line by line with yours. `authorization` is masked in it.',
      'In sandbox mode `POST /tests/signature` and, on any machine, `unwind inspect-signature` take ' +
        'the whole request as text and name the first thing that is wrong.',
    ],
    example: 'The signature does not fit the message and the key (sig1).',
    headers: ['www-authenticate: Bearer realm="unwind"'],
  },
  forbidden: {
    meaning: 'The client is known, but its access token lacks the scope of the operation.',
    remedies: [
      'Ask for a token with one of the scopes that `detail` names.',
      'The operator of the service grants scopes that the client does not have.',
    ],
    example: 'The access token lacks the scope account_liquidations:admin.',
  },
  not_found: {
    meaning:
      'There is no such resource for this client. What belongs to another client looks like ' +
      'what does not exist.',
    remedies: [
      'Check the ids in the path, and that the account belongs to the user named in the body.',
      'Check that the token was issued to the client that owns the account.',
    ],
    example: 'There is no such liquidation of this account.',
  },
  method_not_allowed: {
    meaning: 'The resource exists, but does not have this method.',
    remedies: ['Use one of the methods in the header `allow`.'],
    example: 'This resource knows GET, HEAD, POST, OPTIONS.',
    headers: ['allow: GET, HEAD, POST, OPTIONS'],
  },
  not_acceptable: {
    meaning: 'The header `accept` admits no media type of the service.',
    remedies: ['Admit `application/json`, or leave the header out.'],
    example: 'The service answers with application/json; the header accept does not admit it.',
  },
  conflict: {
    meaning: 'The request is valid, but the state of the resource does not allow it now.',
    remedies: [
      'Read `detail`: it names the state. A liquidation can be cancelled only while it is NEW.',
      'Where a liquidation of the account is running, the header `location` leads to it.',
      'Where the first request with the same `idempotency-key` is still running, send it again.',
    ],
    example: 'Only a NEW liquidation can be cancelled; this one is PROCESSING.',
  },
  content_too_large: {
    meaning: 'The body is larger than any operation needs. It was not read to its end.',
    remedies: ['Send at most 16384 bytes.'],
    example: 'The body is larger than 16384 bytes.',
  },
  unsupported_media_type: {
    meaning: 'The operation does not read the media type of the body.',
    remedies: [
      'Send `content-type: application/json` (`; charset=utf-8` is accepted).',
      'For `POST /auth/token` send `application/x-www-form-urlencoded`.',
    ],
    example: 'The body has to be application/json in UTF-8.',
  },
  unprocessable_content: {
    meaning: 'The idempotency key was used before, for a different request.',
    remedies: [
      'Use a new random key for every new request, and the same one only to send a request again.',
    ],
    example: 'The idempotency key was used for another request.',
  },
  too_many_requests: {
    meaning:
      'The client sends more requests a second than it may, or too many requests from this address ' +
      'could not be authenticated.',
    remedies: [
      'Wait for the seconds in `retry-after`.',
      '`ratelimit` on every response says how many requests are left, `ratelimit-policy` the rule.',
    ],
    example: 'A client may send 200 requests a second.',
    headers: [
      'ratelimit-policy: "client";q=200;w=1',
      'ratelimit: "client";r=0;t=1',
      'retry-after: 1',
    ],
  },
  internal_server_error: {
    meaning: 'The service failed. Its log has the cause under the request id.',
    remedies: [
      sendAgain,
      'If it goes on, give the operator of the service the `request_id` of the response.',
    ],
    example: 'The service failed; the error was recorded.',
  },
  service_unavailable: {
    meaning:
      'The service cannot do it now: its database does not answer, or too many signatures wait to ' +
      'be verified. It recovers by itself.',
    remedies: [sendAgain],
    example: 'The database cannot serve this now; try again with the same idempotency key.',
    headers: ['retry-after: 1'],
  },
  gateway_timeout: {
    meaning:
      'The request took longer than it may and was rolled back, unless its commit was already on ' +
      'its way.',
    remedies: [
      sendAgain,
      'A list that is too slow: ask for a smaller `limit` or a shorter window of time.',
    ],
    example: 'The request took longer than 10000 ms and was given up.',
  },
};

/** What a page without scripts may do: be styled, and have an icon. */
export const staticPagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'";

/** `GET /errors` and `GET /errors/{slug}`. */
export function errorPages(): readonly OpenRoute[] {
  const pages = new Map(codes.map((code) => [code as string, pageOf(code)]));
  const index = indexPage();
  const type = 'text/html; charset=utf-8';
  const headers = {
    'cache-control': 'public, max-age=3600',
    'content-security-policy': staticPagePolicy,
  };
  return [
    page('/errors', async () => ({ status: 200, body: index, type, headers })),
    page('/errors/:slug', async ({ params }) => {
      const { slug = '' } = params as Readonly<Record<string, string>>;
      const body = pages.get(slug);
      if (body === undefined) throw new Refusal('not_found', 'There is no such kind of error.');
      return { status: 200, body, type, headers };
    }),
  ];
}

const codes = Object.keys(explanations) as readonly RefusalCode[];

function pageOf(code: RefusalCode): string {
  const { status, title } = problemKinds[code];
  const { meaning, remedies, example, headers = [] } = explanations[code];
  const requestId = '6f1c0f5c-3d1e-4d0a-9b62-1f0a3f5b8f11';
  const instance = `urn:uuid:${requestId}`;
  const response = { type: code, status, title, detail: example, instance, request_id: requestId };
  return htmlPage(
    `${status} ${title}`,
    `<p class="slug"><code>${code}</code></p>
<p>${html(meaning)}</p>
<h2>What to do</h2>
<ul>
${remedies.map((remedy) => `<li>${html(remedy)}</li>`).join('\n')}
</ul>
<h2>How it looks</h2>
<pre>HTTP/1.1 ${status} ${title}
content-type: application/problem+json
upvest-request-id: ${requestId}${headers.map((header) => `\n${html(header)}`).join('')}

${html(JSON.stringify(response, null, 2))}</pre>
<p><a href="/errors">All errors</a></p>`,
  );
}

function indexPage(): string {
  const rows = codes.map((code) => {
    const { status, title } = problemKinds[code];
    const link = `<a href="/errors/${code}">${title}</a>`;
    return `<tr><td>${status}</td><td>${link}</td><td><code>${code}</code></td></tr>`;
  });
  return htmlPage(
    'Errors',
    `<p>Every error response is <code>application/problem+json</code> (RFC 9457). Its
<code>request_id</code> equals the header <code>upvest-request-id</code> of the response.</p>
<table>
${rows.join('\n')}
</table>`,
  );
}

/** Escapes a text for HTML; what stands between backticks becomes code. */
function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

/** A page of text in the style of all of them; the title is its heading. */
export function htmlPage(title: string, body: string): string {
  const name = title === 'Unwind' ? title : `${title} · Unwind`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>
:root { color-scheme: light dark }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1.25rem }
h1 { font-size: 1.9rem; line-height: 1.2; margin-bottom: .25rem }
h2 { font-size: 1.1rem; margin-top: 2rem }
.slug { margin-top: 0; opacity: .7 }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { padding: 1rem; border: 1px solid #8886; border-radius: .5rem; overflow-x: auto }
li { margin: .4rem 0 }
td { padding: .25rem 1.5rem .25rem 0 }
</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
}
