// The encoding: what is written is read, bytes may come in any pieces, and garbage is never a message.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeMessage,
  type Field,
  FixEncodingError,
  type Framed,
  Framer,
  fieldOf,
  messageBytesMax,
} from '../../src/venue/fix/codec.ts';
import { fc } from '../support/properties.ts';

const beginString = 'FIX.4.4';

/** `|` for SOH, as people write it. */
function bytes(text: string): Buffer {
  return Buffer.from(text.replaceAll('|', '\x01'), 'latin1');
}

function framed(body: string, begin = beginString): Buffer {
  const text = `8=${begin}|9=${body.length}|${body}`;
  let sum = 0;
  for (const byte of bytes(text)) sum += byte;
  return bytes(`${text}10=${String(sum % 256).padStart(3, '0')}|`);
}

function messagesIn(found: readonly Framed[]): readonly (readonly Field[])[] {
  return found.flatMap((one) => (one.kind === 'message' ? [one.message.fields] : []));
}

const plainValue = fc
  .string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })
  .map((text) => text.replaceAll('\x01', ''))
  .filter((text) => text !== '');
const plainField = fc
  .tuple(fc.integer({ min: 100, max: 200_000 }), plainValue)
  .filter(([tag]) => ![212, 213, 348, 349, 350, 351, 352, 353, 354, 355].includes(tag))
  .filter(([tag]) => !(tag >= 356 && tag <= 365) && ![445, 446, 618, 619, 621, 622].includes(tag))
  .map((field): readonly Field[] => [field]);
const dataField = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((data) => Buffer.from(data).toString('latin1'))
  .map((data): readonly Field[] => [
    [95, String(data.length)],
    [96, data],
  ]);
const fields = fc
  .array(fc.oneof(plainField, dataField), { maxLength: 12 })
  .map((some): readonly Field[] => [[35, 'D'], ...some.flat()]);

test('what is encoded is decoded again, data fields with SOH in them included', () => {
  fc.assert(
    fc.property(fields, (one) => {
      const found = new Framer(beginString).push(encodeMessage(beginString, one));
      assert.deepEqual(messagesIn(found), [one]);
      assert.equal(found.length, 1);
    }),
  );
});

test('bytes may be split anywhere', () => {
  const cuts = fc.array(fc.nat(2_000), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(fields, { minLength: 1, maxLength: 5 }), cuts, (some, at) => {
      const all = Buffer.concat(some.map((one) => encodeMessage(beginString, one)));
      const framer = new Framer(beginString);
      const edges = [0, ...at.map((cut) => cut % all.length), all.length].toSorted((a, b) => a - b);
      const found = edges.flatMap((edge, i) => framer.push(all.subarray(edges[i - 1] ?? 0, edge)));
      assert.deepEqual(messagesIn(found), some);
      assert.equal(found.length, some.length);
    }),
  );
});

test('garbage never throws, is never kept without bound, and never hides the message behind it', () => {
  const message: readonly Field[] = [
    [35, '0'],
    [34, '7'],
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (garbage) => {
      const framer = new Framer(beginString);
      framer.push(garbage);
      // A broken message may claim what follows as its body: another one shows where it ends.
      const found = [1, 2, 3].flatMap(() => framer.push(encodeMessage(beginString, message)));
      assert.deepEqual(messagesIn(found).at(-1), message);
    }),
  );
});

test('a changed byte never yields the message it was', () => {
  const message: readonly Field[] = [
    [35, 'D'],
    [11, 'ABCDEFGH'],
    [38, '100'],
  ];
  const whole = encodeMessage(beginString, message);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Buffer.from(whole);
      changed[at] = ((changed[at] ?? 0) + by) % 256;
      assert.deepEqual(messagesIn(new Framer(beginString).push(changed)), []);
    }),
  );
});

test('the frame is as the specification writes it', () => {
  const written = encodeMessage(beginString, [
    [35, '0'],
    [49, 'A'],
    [56, 'B'],
    [34, '1'],
    [52, '20260105-10:00:00.000'],
  ]);
  assert.deepEqual(written, framed('35=0|49=A|56=B|34=1|52=20260105-10:00:00.000|'));
});

const garbled: readonly { of: string; given: Buffer; reason: RegExp }[] = [
  { of: 'another version', given: framed('35=0|', 'FIX.4.2'), reason: /begins with 8=FIX\.4\.4/ },
  { of: 'a wrong checksum', given: bytes('8=FIX.4.4|9=5|35=0|10=000|'), reason: /CheckSum/ },
  { of: 'a BodyLength too short', given: bytes('8=FIX.4.4|9=4|35=0|10=161|'), reason: /where/ },
  { of: 'a BodyLength of letters', given: bytes('8=FIX.4.4|9=x|35=0|10=161|'), reason: /second/ },
  { of: 'an enormous BodyLength', given: bytes('8=FIX.4.4|9=999999|35=0|'), reason: /999999/ },
  { of: 'no MsgType in front', given: framed('34=1|35=0|'), reason: /third field/ },
  { of: 'a tag of letters', given: framed('35=0|x=1|'), reason: /tag=value/ },
  { of: 'a tag with a zero in front', given: framed('35=0|034=1|'), reason: /tag=value/ },
  { of: 'an empty value', given: framed('35=0|34=|'), reason: /tag=value/ },
  { of: 'data without its length', given: framed('35=0|96=abc|'), reason: /tag=value/ },
  { of: 'data longer than the message', given: framed('35=0|95=99|96=abc|'), reason: /tag=value/ },
];

for (const { of, given, reason } of garbled) {
  test(`${of} is garbled, and the message behind it is read`, () => {
    const framer = new Framer(beginString);
    const found = [...framer.push(given), ...framer.push(framed('35=0|34=2|'))];
    const [first] = found;
    assert.ok(first?.kind === 'garbled');
    assert.match(first.reason, reason);
    assert.deepEqual(messagesIn(found), [
      [
        [35, '0'],
        [34, '2'],
      ],
    ]);
    assert.equal(
      found.reduce((total, one) => total + one.bytes, 0),
      given.length + framed('35=0|34=2|').length,
    );
  });
}

test('a message of the largest size is read', () => {
  const value = 'x'.repeat(messageBytesMax - 60);
  const found = new Framer(beginString).push(framed(`35=B|58=${value}|`));
  const [only] = found;
  assert.ok(only?.kind === 'message');
  assert.equal(fieldOf(only.message, 58), value);
});

test('what cannot be written is refused', () => {
  const wrong: readonly (readonly Field[])[] = [
    [[34, '1']],
    [[35, '']],
    [
      [35, '0'],
      [58, 'a\x01b'],
    ],
    [
      [35, '0'],
      [58, '€'],
    ],
    [
      [35, '0'],
      [96, 'data'],
    ],
    [
      [35, '0'],
      [95, '3'],
      [96, 'data'],
    ],
  ];
  for (const one of wrong) assert.throws(() => encodeMessage(beginString, one), FixEncodingError);
});
