// Records requests of a sandbox with what became of them: the request, the signature base as the service
// computes it, the verdict and the response. Secrets are masked wherever they stand.

import { compatibleTokenRules, type Inspection, inspectSignature } from '@unwind/signatures';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import { recordedResponseMax } from '../limits.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { OpenRoute } from './open-route.ts';
import { toMessage } from './pipeline.ts';
import { probePaths } from './probes.ts';

export interface Recording {
  readonly recorder: Recorder;
  readonly clock: Clock;
}

/** What stands in the place of a secret. */
const mask = '***';
/** Headers whose values are secrets, however often they come. */
const secretHeaders = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie'];
/** Members of queries, forms and JSON whose values are secrets. */
const secretFields = ['client_secret', 'token', 'access_token'];

/** Records every response but those of pages and probes, and of requests that are inspected as text. */
export function recordResponses(
  app: FastifyInstance,
  { recorder, clock }: Recording,
  open: readonly OpenRoute[],
): void {
  const pages = open.filter(({ operation }) => operation === 'page').map(({ path }) => path);
  const passedOver = [...pages, ...probePaths, '/openapi.json', '/tests/signature'];
  app.addHook('onSend', async (request, reply, payload) => {
    if (!passedOver.includes(request.routeOptions.url ?? '')) {
      const at = clock.now();
      const text = typeof payload === 'string' ? payload : '';
      recorder.keep(at, request.id, await recordOf({ request, reply, text, at }));
    }
    return payload;
  });
  app.addHook('onClose', () => recorder.settled());
}

async function recordOf(exchange: {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly text: string;
  readonly at: Date;
}): Promise<object> {
  const { request, reply, text, at } = exchange;
  const message = toMessage(request);
  const body = Buffer.from(message.body).toString();
  const answered = Object.entries(reply.getHeaders()).map(([name, value]): Header => {
    return [name, String(value)];
  });
  const shown = text.slice(0, recordedResponseMax);
  const secrets = secretsIn([...message.headers, ...answered], [message.target, body, shown]);
  const masked = (value: string) => withoutSecrets(value, secrets);
  const maskedHeader = ([name, value]: Header): Header => {
    return [name, isSecretHeader(name) ? maskedValue(value) : masked(value)];
  };
  const problem = reply.statusCode >= 400 ? problemIn(text) : undefined;
  const inspection = await inspectSignature(message, {
    clientId: undefined,
    keys: undefined,
    rules: compatibleTokenRules,
    now: Math.floor(at.getTime() / 1_000),
  });
  return {
    recorded_at: at.toISOString(),
    request: {
      method: message.method,
      target: masked(message.target),
      headers: message.headers.map(maskedHeader),
      body: masked(body),
    },
    verdict: {
      outcome: reply.statusCode < 400 ? 'accepted' : 'refused',
      status: reply.statusCode,
      ...(problem === undefined ? {} : { type: problem.type, detail: masked(problem.detail) }),
    },
    signatures: signaturesOf(inspection, masked),
    response: {
      headers: Object.fromEntries(answered.map(maskedHeader)),
      body: masked(shown),
      ...(text.length > recordedResponseMax ? { cut_at: recordedResponseMax } : {}),
    },
  };
}

function signaturesOf(
  { dialect, signatures }: Inspection,
  masked: (text: string) => string,
): readonly object[] {
  return signatures.map(({ label, keyid, created, base, base_sha256: baseSha256 }) => {
    const version = dialect?.version ?? null;
    return {
      label,
      dialect: version,
      keyid,
      created,
      base: base && maskedBase(base),
      base_sha256: baseSha256,
    };
  });

  /** Each line of a base is a component: a name and its value. */
  function maskedBase(base: string): string {
    const lines = base.split('\n').map((line) => {
      const [, name = '', value = ''] = /^"([^"]+)"[^:]*: (.*)$/.exec(line) ?? [];
      const kept = line.slice(0, line.length - value.length);
      return `${kept}${isSecretHeader(name) ? mask : masked(value)}`;
    });
    return lines.join('\n');
  }
}

type Header = readonly [name: string, value: string];

function isSecretHeader(name: string): boolean {
  return secretHeaders.includes(name.toLowerCase());
}

/** The scheme stays, where it is one. */
function maskedValue(value: string): string {
  return `${/^(?:basic|bearer|digest) +/i.exec(value)?.[0] ?? ''}${mask}`;
}

/** Every secret of an exchange, as it stands there: encoded and not. Short ones would mask anything. */
function secretsIn(headers: readonly Header[], texts: readonly string[]): readonly string[] {
  const secrets = headers
    .filter(([name]) => isSecretHeader(name))
    .flatMap(([, value]) => [value, ...value.split(/[\s;,]+/)])
    .flatMap((part) => [part, part.slice(part.indexOf('=') + 1)]);
  for (const text of texts) maskedByPlace(text, (secret) => secrets.push(secret, decoded(secret)));
  const long = [...new Set(secrets)].filter((secret) => secret.length >= 8);
  return long.toSorted((a, b) => b.length - a.length);
}

function decoded(value: string): string {
  return new URLSearchParams(`v=${value}`).get('v') ?? '';
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  // The short secret is masked by its place, whatever it is.
  const left = secrets.reduce((rest, secret) => rest.replaceAll(secret, mask), text);
  return maskedByPlace(left, () => {});
}

/** A text in which the values of secret members are masked: JSON, broken JSON, a form or a target. */
function maskedByPlace(text: string, note: (secret: string) => void): string {
  const json = maskedJson(text, note);
  if (json !== undefined) return json;
  return text
    .replaceAll(/("(\w+)"\s*:\s*")((?:[^"\\]|\\.)*)/g, (whole, before, name, value) => {
      if (!isSecretField(name)) return whole;
      note(value);
      return `${before}${mask}`;
    })
    .replaceAll(/(^|[?&])([^=&?]*)=([^&]*)/g, (whole, before, name, value) => {
      if (!isSecretField(decoded(name))) return whole;
      note(value);
      return `${before}${name}=${mask}`;
    });
}

/** Undefined where it is no JSON; as it was where no member of it is secret. */
function maskedJson(text: string, note: (secret: string) => void): string | undefined {
  let hasSecret = false;
  try {
    if (!/^\s*[{[]/.test(text)) return undefined;
    const value: unknown = JSON.parse(text, (name, member: unknown) => {
      if (!isSecretField(name) || typeof member !== 'string') return member;
      hasSecret = true;
      note(member);
      return mask;
    });
    return hasSecret ? JSON.stringify(value) : text;
  } catch {
    return undefined;
  }
}

function isSecretField(name: string): boolean {
  return secretFields.includes(name.trim().toLowerCase());
}

function problemIn(text: string): { readonly type: string; readonly detail: string } | undefined {
  try {
    const { type, detail } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return { type: String(type), detail: String(detail) };
  } catch {
    return undefined;
  }
}
