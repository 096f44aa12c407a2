// The request that the samples of an operation send, each in its own language: which headers it has, in which
// order they are signed, and what only its reader can say.

import type { Parameter } from './parameters.ts';

export interface SampleOf {
  readonly method: string;
  /** With colons before its parameters. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly type: string; readonly value: unknown } | undefined;
  readonly isSigned: boolean;
}

/** Where the samples send to; the service that serves the document puts its own address here. */
export const sampleAddress = 'http://127.0.0.1:8080';

/** A text, or the variable of the environment that holds it. */
export type Piece = string | { readonly env: string };
export type Value = readonly Piece[];

export interface Request {
  readonly method: string;
  readonly target: string;
  /** Those that are signed, in their order; the digest of the body is among them. */
  readonly headers: readonly (readonly [name: string, value: Value | 'digest' | 'uuid'])[];
  readonly body: Value | undefined;
  readonly isSigned: boolean;
}

/** A sample as the request that it sends. */
export function requestOf({ method, path, parameters, body, isSigned }: SampleOf): Request {
  const target = path.replaceAll(/:(\w+)/g, (_, name) => {
    return String(parameters.find((one) => one.in === 'path' && one.name === name)?.example);
  });
  const has = (name: string) => parameters.some((one) => one.in === 'header' && one.name === name);
  const header = (name: string, value: Value | 'digest' | 'uuid', isThere: boolean) => {
    return isThere ? [[name, value] as const] : [];
  };
  const hasBody = body !== undefined;
  return {
    method,
    target,
    headers: [
      ...header('accept', ['application/json'], true),
      ...header('authorization', ['Bearer ', { env: 'TOKEN' }], has('authorization')),
      ...header('content-type', [body?.type ?? ''], hasBody),
      ...header('content-digest', 'digest', hasBody && isSigned),
      ...header('idempotency-key', 'uuid', has('idempotency-key')),
      ...header('upvest-client-id', [{ env: 'CLIENT_ID' }], has('upvest-client-id')),
    ],
    body: body && bodyOf(body),
    isSigned,
  };
}

/** A form says who the client is, which only its reader knows. */
function bodyOf({ type, value }: NonNullable<SampleOf['body']>): Value {
  if (type === 'application/json') return [JSON.stringify(value)];
  return Object.entries(value as Record<string, string>).flatMap(([name, field], i): Value => {
    const begin = `${i === 0 ? '' : '&'}${name}=`;
    const isOwn = ['client_id', 'client_secret', 'token'].includes(name);
    if (isOwn) return [begin, { env: name.toUpperCase() }];
    return [begin + new URLSearchParams({ '': field }).toString().slice(1)];
  });
}

/** The components that a sample signs, as `signature-input` lists them. */
export function listOf({ headers }: Request): string {
  const names = ['@method', '@path', ...headers.map(([name]) => name)];
  return `(${names.map((name) => `"${name}"`).join(' ')})`;
}
