// Requests as they are sent: as text, and as programs that sign them (curl with openssl, TypeScript,
// Python; Go and Java: compiled-samples.ts). All are made of the same parts, so they cover what the request has.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: programs are written here.

import { createHash, createPrivateKey, sign } from 'node:crypto';
import { goText, javaText } from './compiled-samples.ts';
import type { Json } from './json-schema.ts';
import {
  listOf,
  type Request,
  requestOf,
  type SampleOf,
  sampleAddress,
  type Value,
} from './sample-request.ts';

/** As the extension `x-codeSamples`, which pages that show documents know. */
export function samplesOf(sample: SampleOf): readonly Json[] {
  const request = requestOf(sample);
  const hasToken = request.headers.some(([name]) => name === 'authorization');
  const text = { lang: 'http', label: 'HTTP', source: httpText(request) };
  return [
    { lang: 'shell', label: 'curl', source: curlText(request) },
    { lang: 'typescript', label: 'TypeScript', source: typescriptText(request) },
    { lang: 'python', label: 'Python', source: pythonText(request) },
    { lang: 'go', label: 'Go', source: goText(request) },
    { lang: 'java', label: 'Java', source: javaText(request) },
    text,
    ...(hasToken ? [{ lang: 'shell', label: 'Command', source: commandText(request) }] : []),
  ];
}

/** The key of RFC 8032, section 7.1, test 1, which is known to everybody: so the signature is a real one. */
const knownKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----`;

const known: Readonly<Record<string, string>> = {
  TOKEN: 'c2VjcmV0Cg',
  CLIENT_ID: 'ebabcf4d-61c3-4942-875c-e265a7c2d062',
  CLIENT_SECRET: 'c2VjcmV0Cg',
};

function httpText(request: Request): string {
  const { method, target, headers, body, isSigned } = request;
  const textOf = (value: Value) => {
    return value.map((piece) => (typeof piece === 'string' ? piece : known[piece.env])).join('');
  };
  const content = body === undefined ? '' : textOf(body);
  const fields = headers.map(([name, value]): readonly [string, string] => {
    if (value === 'digest') return [name, digestOf(content)];
    return [name, value === 'uuid' ? 'ccb07f42-4104-44ad-8e1f-c660bb7b269c' : textOf(value)];
  });
  const params =
    `${listOf(request)};created=1700000000;expires=1700000060;` +
    'keyid="8d4997a8-cf7a-4e51-adbb-401656a3e5c2";nonce="o085M4cMgpbicuOL"';
  const base = [['@method', method], ['@path', target], ...fields, ['@signature-params', params]];
  const bytes = Buffer.from(base.map(([name, value]) => `"${name}": ${value}`).join('\n'));
  const signature = sign(null, bytes, createPrivateKey(knownKey)).toString('base64');
  const signing = [
    'upvest-signature-version: 15',
    `signature-input: sig1=${params}`,
    `signature: sig1=:${signature}:`,
  ];
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `host: ${new URL(sampleAddress).host}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`content-length: ${Buffer.byteLength(content)}`]),
    ...(isSigned ? signing : []),
    '',
    content,
  ];
  return lines.join('\n').trimEnd();
}

function digestOf(content: string): string {
  return `sha-512=:${createHash('sha512').update(content).digest('base64')}:`;
}

function curlText(request: Request): string {
  const { method, target, headers, body, isSigned } = request;
  const quoted = (value: Value) => {
    const texts = value.map((piece) => {
      return typeof piece === 'string' ? piece.replaceAll(/[\\"$`]/g, '\\$&') : `$${piece.env}`;
    });
    return `"${texts.join('')}"`;
  };
  const inQuotes = (value: Value | 'digest' | 'uuid') => {
    if (value === 'digest') return '$digest';
    return value === 'uuid' ? '$key' : quoted(value).slice(1, -1);
  };
  const send = [
    `curl -sS -X ${method} '${sampleAddress}${target}'`,
    ...headers.map(([name, value]) => `-H "${name}: ${inQuotes(value)}"`),
    ...(isSigned
      ? [
          '-H "upvest-signature-version: 15"',
          '-H "signature-input: sig1=$params"',
          '-H "signature: sig1=:$signature:"',
        ]
      : []),
    ...(body === undefined ? [] : ['--data-binary "$body"']),
  ].join(' \\\n  ');
  const hasKey = headers.some(([, value]) => value === 'uuid');
  const made = [
    ...(body === undefined ? [] : [`body=${quoted(body)}`]),
    ...(hasKey
      ? [String.raw`key=$(openssl rand -hex 16 | sed 's/^\(.\{12\}\).\(.\{3\}\)./\14\28/')`]
      : []),
  ];
  if (!isSigned) return [...made, send].join('\n');
  const base = headers.map(([name, value]) => `\\"${name}\\": ${inQuotes(value)}`);
  return [
    '# CLIENT_ID, KEY_ID and TOKEN (or CLIENT_SECRET) are set; private.pem has an Ed25519 key; OpenSSL 3.',
    ...made,
    ...(body === undefined
      ? []
      : [
          `digest="sha-512=:$(printf '%s' "$body" | openssl dgst -sha512 -binary | openssl base64 -A):"`,
        ]),
    'created=$(date +%s)',
    `params='${listOf(request)}'";created=$created;expires=$((created + 60))"`,
    'params="$params;keyid=\\"$KEY_ID\\";nonce=\\"$(openssl rand -hex 16)\\""',
    `printf '%s' "\\"@method\\": ${method}`,
    `\\"@path\\": ${target}`,
    ...base,
    '\\"@signature-params\\": $params" > base.txt',
    'signature=$(openssl pkeyutl -sign -rawin -inkey private.pem -in base.txt | openssl base64 -A)',
    send,
  ].join('\n');
}

function typescriptText(request: Request): string {
  const { method, target, headers, body, isSigned } = request;
  const literal = (value: Value) => {
    const isPlain = value.every((piece) => typeof piece === 'string');
    if (isPlain) return `'${value.join('').replaceAll(/[\\']/g, '\\$&')}'`;
    const texts = value.map((piece) => (typeof piece === 'string' ? piece : `\${${piece.env}}`));
    return `\`${texts.join('')}\``;
  };
  const fields = headers.map(([name, value]) => {
    if (value === 'uuid') return `  '${name}': randomUUID(),`;
    if (value === 'digest') {
      return `  '${name}': \`sha-512=:\${createHash('sha512').update(body).digest('base64')}:\`,`;
    }
    return `  '${name}': ${literal(value)},`;
  });
  const content = body === undefined ? [] : [`const body = ${literal(body)};`];
  const sent = body === undefined ? 'method, headers' : 'method, headers, body';
  const begin = [
    `const method = '${method}';`,
    `const path = '${target}';`,
    ...content,
    'const headers: Record<string, string> = {',
    ...fields,
    '};',
  ];
  const end = [
    `const response = await fetch(\`${sampleAddress}\${path}\`, { ${sent} });`,
    'console.log(response.status, await response.text());',
  ];
  if (!isSigned) return [...begin, ...end].join('\n');
  return [
    "import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';",
    "import { readFileSync } from 'node:fs';",
    '',
    "const { CLIENT_ID = '', CLIENT_SECRET = '', KEY_ID = '', TOKEN = '' } = process.env;",
    "const key = createPrivateKey(readFileSync('private.pem'));",
    ...begin,
    'const created = Math.floor(Date.now() / 1000);',
    "const covered = Object.entries({ '@method': method, '@path': path, ...headers });",
    'const params =',
    '  `(${covered.map(([name]) => `"${name}"`).join(\' \')});created=${created};expires=${created + 60}` +',
    '  `;keyid="${KEY_ID}";nonce="${randomUUID()}"`;',
    'const lines = [...covered, [\'@signature-params\', params]].map(([name, value]) => `"${name}": ${value}`);',
    "const signature = sign(null, Buffer.from(lines.join('\\n')), key).toString('base64');",
    "headers['upvest-signature-version'] = '15';",
    "headers['signature-input'] = `sig1=${params}`;",
    "headers['signature'] = `sig1=:${signature}:`;",
    ...end,
  ].join('\n');
}

function pythonText(request: Request): string {
  const { method, target, headers, body, isSigned } = request;
  const literal = (value: Value) => {
    const isPlain = value.every((piece) => typeof piece === 'string');
    if (isPlain) return `'${value.join('').replaceAll(/[\\']/g, '\\$&')}'`;
    const texts = value.map((piece) => (typeof piece === 'string' ? piece : `{${piece.env}}`));
    return `f'${texts.join('')}'`;
  };
  const fields = headers.map(([name, value]) => {
    if (value === 'uuid') return `    '${name}': str(uuid4()),`;
    if (value === 'digest') {
      return `    '${name}': f'sha-512=:{b64encode(sha512(body).digest()).decode()}:',`;
    }
    return `    '${name}': ${literal(value)},`;
  });
  const begin = [
    `method = '${method}'`,
    `path = '${target}'`,
    body === undefined ? 'body = None' : `body = ${literal(body)}.encode()`,
    'headers = {',
    ...fields,
    '}',
  ];
  const end = [
    `request = Request('${sampleAddress}' + path, body, headers, method=method)`,
    'with urlopen(request) as response:',
    '    print(response.status, response.read().decode())',
  ];
  if (!isSigned)
    return ['from urllib.request import Request, urlopen', '', ...begin, ...end].join('\n');
  return [
    'from base64 import b64encode',
    'from hashlib import sha512',
    'from os import environ',
    'from time import time',
    'from urllib.request import Request, urlopen',
    'from uuid import uuid4',
    '',
    'from cryptography.hazmat.primitives.serialization import load_pem_private_key',
    '',
    "CLIENT_ID, KEY_ID = environ['CLIENT_ID'], environ['KEY_ID']",
    "TOKEN, CLIENT_SECRET = environ.get('TOKEN', ''), environ.get('CLIENT_SECRET', '')",
    "key = load_pem_private_key(open('private.pem', 'rb').read(), None)",
    ...begin,
    'created = int(time())',
    "covered = {'@method': method, '@path': path, **headers}",
    "params = '(' + ' '.join(f'\"{name}\"' for name in covered) + ')'",
    'params += f\';created={created};expires={created + 60};keyid="{KEY_ID}";nonce="{uuid4()}"\'',
    'lines = [f\'"{name}": {value}\' for name, value in covered.items()]',
    "base = '\\n'.join([*lines, f'\"@signature-params\": {params}'])",
    "headers['upvest-signature-version'] = '15'",
    "headers['signature-input'] = f'sig1={params}'",
    "headers['signature'] = f'sig1=:{b64encode(key.sign(base.encode())).decode()}:'",
    ...end,
  ].join('\n');
}

function commandText({ method, target, body = [] }: Request): string {
  const data = body.length === 0 ? '' : ` \\\n  --data '${body.join('')}'`;
  return `npm run -s unwind -- request ${method} ${target}${data}`;
}
