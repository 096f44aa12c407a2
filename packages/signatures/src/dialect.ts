// The four dialects of HTTP message signatures, each as one value. Everything in which they differ
// stands in this table; everything they share is written once, in parse.ts, check.ts and base.ts.

import {
  ecdsaDer,
  ecdsaRaw,
  ed25519,
  type KeyAlgorithm,
  rsaPkcs1Sha256,
  rsaPssSha512,
  type Scheme,
} from './algorithm.ts';
import { contentDigestField, type DigestField, digestField } from './digest.ts';
import { authority, type ReadMessage, targetUri } from './message.ts';
import { draft01Input, type InputSyntax, structuredInput } from './signature-input.ts';

/** The values of the header `upvest-signature-version`. */
export type DialectVersion = '1' | '6' | '15' | '9421';

/** What of a request a signature has to protect besides its headers. */
export type Aspect = 'method' | 'path' | 'query' | 'created' | 'expires';

/** A component that is computed from the message or the parameters; undefined: it has none. */
export interface DerivedComponent {
  readonly covers: readonly Aspect[];
  readonly value: (message: ReadMessage, params: ReadonlyMap<string, string>) => string | undefined;
}

/** One dialect. */
export interface Dialect {
  readonly version: DialectVersion;
  /** Whether a signer names the dialect in a header; the others are recognised by their form. */
  readonly named: boolean;
  readonly input: InputSyntax;
  /** Labels that occur in only one of the two headers. */
  readonly unpairedLabels: 'ignored' | 'refused';

  /** The form of the parameters' text; others are ignored, or refused. */
  readonly params: ReadonlyMap<string, RegExp>;
  readonly otherParams: 'ignored' | 'refused';
  /** The name of the parameter that names the key. */
  readonly keyid: 'keyid' | 'keyId';

  readonly derived: ReadonlyMap<string, DerivedComponent>;
  /** Identifiers that are known but not accepted; one with parameters has a semicolon. */
  readonly unsupported: RegExp;
  /** Whether one published client signs it in forms of its own (proxy-forms.ts). */
  readonly hasProxyForms: boolean;
  /** The derived components a signer covers, as far as they apply. */
  readonly usual: readonly string[];

  /** A name as it stands in the base, left of the colon. */
  readonly baseName: (name: string) => string;
  /** Whether the base ends with the list and its parameters, so that they are signed. */
  readonly signsParams: boolean;

  readonly digest: DigestField;
  readonly schemes: ReadonlyMap<KeyAlgorithm, Scheme>;
}

const stringForm = /^"/;
const tokenForm = /^[A-Za-z*]/;
const integerForm = /^\d{1,15}$/;
const decimalForm = /^\d{1,15}(?:\.\d{1,3})?$/;

const atComponents = new Map<string, DerivedComponent>([
  ['@method', { covers: ['method'], value: ({ method }) => method }],
  ['@path', { covers: ['path'], value: ({ path }) => path }],
  ['@query', { covers: ['query'], value: ({ query }) => query || '?' }],
  ['@request-target', { covers: ['path', 'query'], value: ({ requestTarget }) => requestTarget }],
  ['@target-uri', { covers: ['path', 'query'], value: targetUri }],
  ['@authority', { covers: [], value: authority }],
  ['@scheme', { covers: [], value: ({ scheme }) => scheme }],
]);

const starComponents = new Map<string, DerivedComponent>([
  [
    '*request-target',
    {
      covers: ['method', 'path', 'query'],
      value: ({ method, requestTarget }) => `${method.toLowerCase()} ${requestTarget}`,
    },
  ],
  ['*created', { covers: ['created'], value: (_, params) => params.get('created') }],
  ['*expires', { covers: ['expires'], value: (_, params) => params.get('expires') }],
]);

/** draft-ietf-httpbis-message-signatures-01: signs neither its list nor its parameters. */
const draft01: Dialect = {
  version: '1',
  named: false,
  input: draft01Input,
  unpairedLabels: 'ignored',
  params: new Map([
    ['keyId', stringForm],
    ['alg', tokenForm],
    ['created', integerForm],
    ['expires', decimalForm],
  ]),
  otherParams: 'refused',
  keyid: 'keyId',
  derived: starComponents,
  unsupported: /^(?:signature(?:-input)?|[^:]+:.*)$/,
  hasProxyForms: false,
  usual: ['*request-target', '*created', '*expires'],
  baseName: (name) => name,
  signsParams: false,
  digest: digestField,
  schemes: new Map([
    ['ecdsa-p256', ecdsaDer('hs2019')],
    ['ecdsa-p384', ecdsaDer('hs2019')],
    ['ecdsa-p521', ecdsaDer('hs2019')],
    ['ed25519', ed25519('hs2019')],
  ]),
};

/** RFC 9421, whose requests draft -15 shares but for algorithms and their encodings. */
const rfc9421: Dialect = {
  version: '9421',
  named: true,
  input: structuredInput,
  unpairedLabels: 'refused',
  params: new Map([
    ['created', integerForm],
    ['expires', integerForm],
    ['keyid', stringForm],
    ['nonce', stringForm],
    ['alg', stringForm],
    ['tag', stringForm],
  ]),
  otherParams: 'ignored',
  keyid: 'keyid',
  derived: atComponents,
  unsupported:
    /^(?:signature(?:-input)?|@(?:signature-params|status|query-params?|request-response)|.*;.*)$/,
  hasProxyForms: false,
  usual: ['@method', '@path', '@query'],
  baseName: (name) => `"${name}"`,
  signsParams: true,
  digest: contentDigestField,
  schemes: new Map([
    ['ecdsa-p256', ecdsaRaw('ecdsa-p256-sha256', 'sha256', 64)],
    ['ecdsa-p384', ecdsaRaw('ecdsa-p384-sha384', 'sha384', 96)],
    ['ed25519', ed25519('ed25519')],
    ['rsa-pss-sha512', rsaPssSha512],
    ['rsa-v1_5-sha256', rsaPkcs1Sha256],
  ]),
};

/** draft -15, with the algorithms clients of this API sign with. */
const draft15: Dialect = {
  ...rfc9421,
  version: '15',
  hasProxyForms: true,
  schemes: new Map([
    ['ecdsa-p256', ecdsaDer()],
    ['ecdsa-p384', ecdsaDer()],
    ['ecdsa-p521', ecdsaDer()],
    ['ed25519', ed25519('ed25519')],
  ]),
};

/** draft -06 as clients of this API sign it: names in the base are not quoted. */
const draft06: Dialect = {
  ...draft15,
  version: '6',
  named: false,
  unpairedLabels: 'ignored',
  params: new Map([...rfc9421.params].filter(([name]) => name !== 'tag')),
  baseName: (name) => name,
  digest: digestField,
};

/** The dialects by the value of `upvest-signature-version`. */
export const allDialects: Readonly<Record<DialectVersion, Dialect>> = {
  1: draft01,
  6: draft06,
  15: draft15,
  9421: rfc9421,
};

/**
 * What a signature over this message has to cover besides headers; `expires`: whether it has one.
 */
export function neededAspects({ query }: ReadMessage, expires: boolean): readonly Aspect[] {
  return [
    'method',
    'path',
    ...(query === '' ? [] : (['query'] as const)),
    'created',
    ...(expires ? (['expires'] as const) : []),
  ];
}

/** What the listed components, and the parameters where they are signed, cover besides headers. */
export function coveredAspects(dialect: Dialect, components: readonly string[]): Set<Aspect> {
  const listed = components.flatMap((name) => dialect.derived.get(name)?.covers ?? []);
  return new Set<Aspect>(dialect.signsParams ? ['created', 'expires', ...listed] : listed);
}
