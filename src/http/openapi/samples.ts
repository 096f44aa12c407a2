// Requests as they are sent, made of the examples of their parts. A snippet made by a tool would lack
// the signature; these show where it goes, and the command that makes one.

import type { Json } from './json-schema.ts';
import type { Parameter } from './parameters.ts';

export interface SampleOf {
  readonly method: string;
  /** With colons before its parameters. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly type: string; readonly value: unknown } | undefined;
}

/** As the extension `x-codeSamples`, which pages that show documents know. */
export function samplesOf(request: SampleOf): readonly Json[] {
  const { method, path, parameters, body } = request;
  const target = path.replaceAll(/:(\w+)/g, (_, name) => {
    return String(parameters.find((one) => one.in === 'path' && one.name === name)?.example);
  });
  const text = body === undefined ? '' : bodyText(body);
  const headers = parameters.filter((one) => one.in === 'header' && one.name !== 'digest');
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'host: localhost:8080',
    'accept: application/json',
    ...(body === undefined ? [] : [`content-type: ${body.type}`, `content-length: ${text.length}`]),
    ...headers.map(({ name, example }) => `${name}: ${example}`),
    '',
    text,
  ];
  const http = { lang: 'http', label: 'HTTP', source: lines.join('\n').trimEnd() };
  const isSignedWithToken = headers.some(({ name }) => name === 'authorization');
  return isSignedWithToken ? [http, commandOf(method, target, text)] : [http];
}

function commandOf(method: string, target: string, text: string): Json {
  const data = text === '' ? '' : ` \\\n  --data '${text}'`;
  const source = `npm run -s unwind -- request ${method} ${target}${data}`;
  return { lang: 'shell', label: 'Command', source };
}

function bodyText({ type, value }: NonNullable<SampleOf['body']>): string {
  if (type === 'application/json') return JSON.stringify(value);
  return new URLSearchParams(value as Record<string, string>).toString();
}
