// The contract's tables of single values: which dialect a request is read as, and the value of one
// header or derived component.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { componentValue } from '../../packages/signatures/src/base.ts';
import { allDialects, type DialectVersion } from '../../packages/signatures/src/dialect.ts';
import { readMessage, type SignedMessage } from '../../packages/signatures/src/message.ts';
import { parseSignatures } from '../../packages/signatures/src/parse.ts';
import { recogniseDialect } from '../../packages/signatures/src/recognise.ts';
import { SignatureError } from '../../packages/signatures/src/signature-error.ts';
import { readJson } from './vectors.ts';

interface Recognition {
  readonly title: string;
  readonly version_header: string | null;
  readonly signature_input: string;
  readonly digest_headers: readonly string[];
  readonly body: boolean;
  readonly dialect: string;
}

const noDigestButAlg: Recognition = {
  title: 'body, no digest header, registered alg',
  version_header: null,
  signature_input: 'sig1=("@method");created=1;keyid="k";alg="ed25519"',
  digest_headers: [],
  body: true,
  dialect: '15',
};

suite('which dialect a request is read as', () => {
  const { cases } = readJson<{ cases: Recognition[] }>('recognition');
  for (const row of [...cases, noDigestButAlg]) {
    test(`${row.title}: ${row.version_header ?? row.signature_input}`, () => {
      const version = row.version_header;
      const message = readMessage({
        method: 'POST',
        target: '/',
        headers: [
          ...(version === null ? [] : [['Upvest-Signature-Version', version] as const]),
          ...row.digest_headers.map((name) => [name, 'x'] as const),
        ],
        body: Buffer.from(row.body ? 'x' : ''),
      });
      const recognise = () => recogniseDialect(message, row.signature_input);
      const [, refused] = row.dialect.split(':');
      if (refused === undefined) assert.equal(recognise().dialect.version, row.dialect);
      else assert.throws(recognise, { name: 'SignatureError', code: refused });
    });
  }
});

interface Field {
  readonly title: string;
  readonly dialects: readonly DialectVersion[];
  readonly headers: readonly (readonly [string, string])[];
  readonly name: string;
  readonly value: string | null;
}

interface Derived {
  readonly component: string;
  readonly dialects: readonly DialectVersion[];
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly value: string | null;
}

const tables = readJson<{ fields: Field[]; derived: Derived[] }>('canonicalisation');

suite('values of headers', () => {
  for (const { title, dialects, headers, name, value } of tables.fields) {
    test(title, () => {
      for (const version of dialects) {
        assertValue(version, { method: 'GET', target: '/', headers, body: noBody }, name, value);
      }
    });
  }
});

suite('values of derived components', () => {
  for (const { component, dialects, method, target, host, value } of tables.derived) {
    test(`${component} of ${method} ${target} at ${host}`, () => {
      for (const version of dialects) {
        const headers = [['Host', host]] as const;
        assertValue(version, { method, target, headers, body: noBody }, component, value);
      }
    });
  }
});

const noBody = new Uint8Array();

// Null means refused: by the base for what is absent, by the form for what no dialect admits.
function assertValue(
  version: DialectVersion,
  message: SignedMessage,
  name: string,
  value: string | null,
): void {
  const dialect = allDialects[version];
  const headers = [
    ...message.headers,
    ['upvest-signature-version', version],
    ['signature', 'a=:AA==:'],
    [
      'signature-input',
      `a=${dialect.input.write({
        components: [name],
        params: new Map<string, string | number>([
          [dialect.keyid, 'k'],
          ['created', 1],
        ]),
      })}`,
    ],
  ] as const;
  const read = () => {
    const parsed = parseSignatures({ ...message, headers });
    return componentValue(parsed.dialect, parsed.message, name, new Map());
  };
  if (value === null) assert.throws(read, SignatureError);
  else assert.equal(read(), value);
}
