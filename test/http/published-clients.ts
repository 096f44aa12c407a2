// The forms in which published clients sign: what each covers, in which order, with which parameters, by which
// algorithm. Bases are written by hand, so that a fault of our own signer cannot hide one of the verifier.
import { hash, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { Header, KeyType, Outgoing } from '../support/http.ts';

/** A request before it is signed, with the headers that every client sends. */
export interface Plain {
  readonly method: string;
  readonly target: string;
  readonly accept: string;
  readonly clientId: string;
  readonly token?: string | undefined;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  /** Headers that are listed and signed and not sent. */
  readonly phantom?: readonly (readonly [name: string, written: string])[];
  readonly idempotencyKey?: string | undefined;
}

export interface Signer {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  /** Unix seconds. */
  readonly now: number;
}

/** A client as its signatures look. */
export interface PublishedClient {
  /** As the page names it. */
  readonly name: string;
  readonly keyType: KeyType;
  readonly dialect: '6' | '15';
  readonly isTakenWhereStrict: boolean;
  readonly accept: string;
  /** Headers that it sends besides, and what it writes of them in the base; undefined: leaves them open. */
  readonly extra: (plain: Plain, now: number) => readonly Extra[];
  readonly params: (list: string, signer: Signer) => string;
  /** Headers that it sends and leaves open. */
  readonly open: readonly string[];
  /** Headers that it leaves out of its requests for tokens. */
  readonly notWithToken: readonly string[];
}

type Extra = readonly [
  name: string,
  sent: string,
  written?: readonly (readonly [string, string])[],
];

const uuid = () => randomUUID();
const tenDigits = () => String(Math.floor(1e9 + Math.random() * 9e9));
const dateOf = (now: number) => new Date(now * 1_000).toUTCString();

const proxyExtra: PublishedClient['extra'] = ({ accept }) => [
  ['accept', accept, [['accept', accept.split(', ')[0] ?? '']]],
  ['cache-control', 'max-age=0', [['cache-control:max-age', '0']]],
  ['priority', 'u=1', [['priority:u', '1']]],
];

const proxyParams: PublishedClient['params'] = (list, { keyId, now }) => {
  return `${list};keyid="${keyId}";created=${now};nonce="${tenDigits()}";expires=${now + 60}`;
};

export const publishedClients: readonly PublishedClient[] = [
  {
    name: 'proxy, draft 15',
    keyType: 'P-256',
    dialect: '15',
    isTakenWhereStrict: false,
    accept: 'application/json, text/plain, */*',
    extra: proxyExtra,
    params: proxyParams,
    open: [],
    notWithToken: ['upvest-client-id'],
  },
  {
    name: 'proxy, draft 06',
    keyType: 'P-256',
    dialect: '6',
    isTakenWhereStrict: false,
    accept: '*/*, application/json',
    extra: proxyExtra,
    params: proxyParams,
    open: [],
    notWithToken: ['upvest-client-id'],
  },
  {
    name: 'Python',
    keyType: 'P-521',
    dialect: '15',
    isTakenWhereStrict: true,
    accept: 'application/json',
    extra: (_, now) => [
      ['upvest-api-version', '1'],
      ['date', dateOf(now)],
    ],
    params: (list, { keyId, now }) => {
      return `${list};keyid="${keyId}";nonce="${uuid()}";created=${now};expires=${now + 10}`;
    },
    open: [],
    notWithToken: [],
  },
  {
    name: 'JavaScript',
    keyType: 'P-521',
    dialect: '15',
    isTakenWhereStrict: true,
    accept: 'application/json',
    extra: (_, now) => [
      ['upvest-api-version', '1'],
      ['date', dateOf(now)],
      ['user-agent', 'axios/1.6.8', []],
    ],
    params: (list, { keyId, now }) => {
      return `${list};keyid="${keyId}";created=${now};expires=${now + 5};nonce="${uuid()}"`;
    },
    open: [],
    notWithToken: [],
  },
  {
    name: 'Java',
    keyType: 'P-521',
    dialect: '15',
    isTakenWhereStrict: false,
    accept: 'application/json',
    extra: () => [['upvest-api-version', '1']],
    params: (list, { keyId, now }) => {
      return `${list};keyid="${keyId}";created=${now};nonce="${uuid().slice(0, 16)}";expires=${now + 60}`;
    },
    open: ['idempotency-key'],
    notWithToken: ['upvest-client-id', 'upvest-api-version'],
  },
  {
    name: 'Go',
    keyType: 'ed25519',
    dialect: '6',
    isTakenWhereStrict: true,
    accept: 'application/json',
    extra: () => [],
    params: (list, { keyId, now }) => {
      return `${list};keyid="${keyId}";created=${now};nonce="${tenDigits()}"`;
    },
    open: [],
    notWithToken: [],
  },
];

/** The request as the client sends it, signed over a base that is written here. */
export function signedAs(client: PublishedClient, plain: Plain, signer: Signer): Outgoing {
  const { body = '', method, target } = plain;
  const isToken = plain.token === undefined;
  const sent = headersOf(client, plain, signer.now).filter(([name]) => {
    return !(isToken && client.notWithToken.includes(name));
  });
  const [path = '', query] = target.split('?');
  const written = [
    ['@method', method],
    ['@path', path],
    ...(query === undefined ? [] : [['@query', `?${query}`]]),
    ...sent.flatMap(([name, value, parts]): (readonly [string, string])[] => {
      if (client.open.includes(name)) return [];
      return parts === undefined ? [[name, value]] : [...parts];
    }),
    ...(plain.phantom ?? []),
  ] as readonly (readonly [string, string])[];
  const quote = client.dialect === '6' ? '' : '"';
  const list = `(${written.map(([name]) => `"${name}"`).join(' ')})`;
  const params = client.params(list, signer);
  const lines = [...written, ['@signature-params', params]].map(([name, value]) => {
    return `${quote}${name}${quote}: ${value}`;
  });
  const algorithm = client.keyType === 'ed25519' ? null : 'sha512';
  const signature = sign(algorithm, Buffer.from(lines.join('\n')), signer.privateKey);
  const headers: Header[] = [
    ['host', 'api.example.test'],
    ...sent.map(([name, value]): Header => [name, value]),
    ...(client.dialect === '15' ? [['upvest-signature-version', '15'] as const] : []),
    ['signature-input', `sig1=${params}`],
    ['signature', `sig1=:${signature.toString('base64')}:`],
  ];
  return { method, target, headers, body: Buffer.from(body) };
}

function headersOf(client: PublishedClient, plain: Plain, now: number): readonly Extra[] {
  const { body, token, idempotencyKey, contentType = 'application/json' } = plain;
  const digest =
    client.dialect === '6'
      ? (['digest', `SHA-256=${hash('sha256', body ?? '', 'base64')}`] as const)
      : (['content-digest', `sha-512=:${hash('sha512', body ?? '', 'base64')}:`] as const);
  const extra = client.extra(plain, now);
  const usual: readonly Extra[] = [
    ['accept', plain.accept],
    ...(token === undefined ? [] : [['authorization', `Bearer ${token}`] as const]),
    ...(body === undefined ? [] : [['content-type', contentType] as const, digest]),
    ...(body === undefined ? [] : [['content-length', String(Buffer.byteLength(body))] as const]),
    ...(idempotencyKey === undefined ? [] : [['idempotency-key', idempotencyKey] as const]),
    ['upvest-client-id', plain.clientId],
  ];
  const own = extra.map(([name]) => name);
  return [...usual.filter(([name]) => !own.includes(name)), ...extra];
}
