// Records requests of a sandbox with what became of them: the request, the signature base as the service
// computes it, the verdict and the response. Secrets are masked wherever they stand.

import { COMPATIBLE_TOKEN, type Inspection, inspectSignature } from '@unwind/signatures';
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
/** Fields of forms and members of answers whose values are secrets. */
const secretFields = ['client_secret', 'token'] as const;

/** Records every answer but those of pages and probes. */
export function recordAnswers(
  app: FastifyInstance,
  { recorder, clock }: Recording,
  open: readonly OpenRoute[],
): void {
  const pages = open.filter(({ operation }) => operation === 'page').map(({ path }) => path);
  const passedOver = [...pages, ...probePaths, '/openapi.json'];
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
  const secrets = secretsIn(request.headers.authorization, body, text);
  const masked = (value: string) => withoutSecrets(value, secrets);
  const problem = reply.statusCode >= 400 ? problemIn(text) : undefined;
  const inspection = await inspectSignature(message, {
    clientId: undefined,
    keys: undefined,
    rules: COMPATIBLE_TOKEN,
    now: Math.floor(at.getTime() / 1_000),
  });
  return {
    recorded_at: at.toISOString(),
    request: {
      method: message.method,
      target: masked(message.target),
      headers: message.headers.map(([name, value]) => [name, masked(value)]),
      body: masked(body),
    },
    verdict: {
      outcome: reply.statusCode < 400 ? 'accepted' : 'refused',
      status: reply.statusCode,
      ...(problem === undefined ? {} : { type: problem.type, detail: masked(problem.detail) }),
    },
    signatures: signaturesOf(inspection),
    response: {
      headers: Object.fromEntries(
        Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]),
      ),
      body: masked(text.slice(0, recordedResponseMax)),
      ...(text.length > recordedResponseMax ? { cut_at: recordedResponseMax } : {}),
    },
  };
}

function signaturesOf({ dialect, signatures }: Inspection): readonly object[] {
  return signatures.map(({ label, keyid, created, base, base_sha256: baseSha256 }) => {
    const version = dialect?.version ?? null;
    return { label, dialect: version, keyid, created, base, base_sha256: baseSha256 };
  });
}

/** Every secret of an exchange, as it stands there: encoded and not. Short ones would mask anything. */
function secretsIn(
  authorization: string | undefined,
  body: string,
  answer: string,
): readonly string[] {
  const token = authorization?.replace(/^\S+\s+/, '') ?? '';
  const fields = [...body.matchAll(/(?:^|&)([^=&]*)=([^&]*)/g)].flatMap(([, name, value = '']) => {
    return secretFields.some((field) => field === name) ? [value, decoded(value)] : [];
  });
  const [, issued = ''] = /"access_token":"([^"]*)"/.exec(answer) ?? [];
  return [token, ...fields, issued].filter((secret) => secret.length >= 8);
}

function decoded(value: string): string {
  return new URLSearchParams(`v=${value}`).get('v') ?? '';
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  // The short secret of a form is masked by its place, whatever it is.
  const named = text.replaceAll(/(^|&)(client_secret|token)=[^&]*/g, `$1$2=${mask}`);
  return secrets.reduce((left, secret) => left.replaceAll(secret, mask), named);
}

function problemIn(text: string): { readonly type: string; readonly detail: string } | undefined {
  try {
    const { type, detail } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return { type: String(type), detail: String(detail) };
  } catch {
    return undefined;
  }
}
