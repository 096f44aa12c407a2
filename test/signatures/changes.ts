// What may happen to a signed message on its way, for the tests that none of it goes unnoticed.

import type { SignedMessage } from '../../packages/signatures/src/message.ts';

/** One change to a message; undefined where it would change nothing. */
export type Change = (message: SignedMessage, random: number) => SignedMessage | undefined;

/** Changes one header by a function on its value; undefined if that changes nothing. */
function header(name: string, change: (value: string, random: number) => string): Change {
  return (message, random) => {
    const headers = message.headers.map(([given, value]) =>
      given.toLowerCase() === name ? ([given, change(value, random)] as const) : [given, value],
    ) as SignedMessage['headers'];
    const same = headers.every(([, value], at) => value === message.headers[at]?.[1]);
    return same ? undefined : { ...message, headers };
  };
}

function otherLetter(text: string, random: number): string {
  const at = random % Math.max(text.length, 1);
  const other = text[at] === 'q' ? 'r' : 'q';
  return text.slice(0, at) + other + text.slice(at + 1);
}

function flippedBit(bytes: Uint8Array, random: number): Uint8Array {
  const bit = random % (bytes.length * 8);
  return bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}

const swapped = (list: string, separator: string) =>
  list.split(separator).reverse().join(separator);

/** Every one of these has to end in a refusal. `random` picks the place. */
export const changes: Readonly<Record<string, Change>> = {
  method: (message) => ({ ...message, method: message.method === 'PUT' ? 'POST' : 'PUT' }),
  'letter of the target': (message, random) => ({
    ...message,
    target: `/${otherLetter(message.target.slice(1), random)}`,
  }),
  'query added': (message) => ({
    ...message,
    target: `${message.target}${message.target.includes('?') ? '&' : '?'}a=1`,
  }),
  'slash added to the path': (message) => ({ ...message, target: `/${message.target}` }),
  'bit of the body': (message, random) =>
    message.body.length === 0 ? undefined : { ...message, body: flippedBit(message.body, random) },
  'body dropped': (message) =>
    message.body.length === 0 ? undefined : { ...message, body: new Uint8Array() },
  'body added': (message) =>
    message.body.length > 0 ? undefined : { ...message, body: Buffer.from('{}') },
  authorization: header('authorization', otherLetter),
  note: header('x-note', (value, random) => `  ${otherLetter(value.trim(), random)}`),
  'idempotency key': header('idempotency-key', (value) => value.toUpperCase().replace(/./, 'x')),
  'order of lines': (message) => {
    const accepts = message.headers.filter(([name]) => name === 'Accept').map(([, v]) => v.trim());
    if (accepts.join(', ') === accepts.toReversed().join(', ')) return undefined;
    const [headers, reversed] = [[...message.headers], accepts.toReversed()];
    return {
      ...message,
      headers: headers.map(([n, v]) => (n === 'Accept' ? [n, reversed.shift() ?? ''] : [n, v])),
    };
  },
  created: header('signature-input', (value) =>
    value.replace(/created=(\d+)/, (_, created) => `created=${Number(created) - 1}`),
  ),
  expires: header('signature-input', (value) => value.replace(/(expires=\d+)\d/, '$11')),
  'expires added': header('signature-input', (value) =>
    value.includes('expires') ? value : `${value};expires=9999999999`,
  ),
  nonce: header('signature-input', (value) =>
    value.includes('nonce="') ? value.replace('nonce="', 'nonce="q') : value,
  ),
  key: header('signature-input', (value) => value.replace(/(key[iI]d="[^"]*)/, '$1/other')),
  label: header('signature', (value) => value.replace('sig1', 'sig2')),
  'order of the list': header('signature-input', (value) =>
    value.replace(/\(([^)]*)\)/, (_, list: string) => {
      return `(${swapped(list, list.includes(',') ? ', ' : ' ')})`;
    }),
  ),
  'list shortened': header('signature-input', (value) => value.replace(/,? "?x-note"?/, '')),
  'list extended': header('signature-input', (value) =>
    value.replace(/(,?) ("?)x-note("?)/, '$&$1 $2host$3'),
  ),
  'bit of the signature': header('signature', (value, random) => {
    const bytes = Buffer.from(value.slice('sig1=:'.length, -1), 'base64');
    return `sig1=:${Buffer.from(flippedBit(bytes, random)).toString('base64')}:`;
  }),
};

/** Labels are not signed: this change alone must not matter. */
export function relabelled(message: SignedMessage): SignedMessage {
  return ['signature-input', 'signature'].reduce(
    (given, name) => header(name, (value) => value.replace('sig1', 'sig2'))(given, 0) ?? given,
    message,
  );
}
