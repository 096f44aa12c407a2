// The forms that nearly every signer writes are read by patterns of our own; whatever they take, the
// library of structured fields reads as the same, and what it refuses they do not take.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isInnerList,
  parseDictionary,
  serializeBareItem,
  serializeInnerList,
} from 'structured-headers';
import {
  readSignatureBytes,
  readUsualBytes,
  structuredInput,
} from '../../packages/signatures/src/signature-input.ts';
import { fc } from '../support/properties.ts';

const piece = fc.oneof(
  fc.constantFrom('(', ')', '"', ' ', ';', '=', ':', '\\', '/', 'AAAA', 'BB', '0', '-1', '1.0'),
  fc.constantFrom('"@method"', '"date" ', ' "x"', ';created=1', ';keyid="k"', ';nonce="a;b=1"'),
  fc.constantFrom(';created=01', ';created=2', ';a', ';b=?1', ';c=tok', ';d=@1', '"a";sf', 'é'),
);
const jumbled = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
const name = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,5}$/);
const written = fc.stringMatching(/^[ !#-[\]-~]{0,8}$/);
const param = fc.tuple(
  name,
  fc.oneof(
    written.map((text) => `"${text}"`),
    fc.bigInt({ min: 0n, max: 10n ** 16n }).map(String),
  ),
);

const usual = fc
  .tuple(name, fc.array(written, { maxLength: 5 }), fc.array(param, { maxLength: 5 }))
  .map(([label, names, params]) => {
    const list = names.map((one) => `"${one}"`).join(' ');
    return `${label}=(${list})${params.map(([key, value]) => `;${key}=${value}`).join('')}`;
  });
const spoilt = fc.tuple(usual, fc.nat(), jumbled).map(([text, random, more]) => {
  const at = random % (text.length + 1);
  return text.slice(0, at) + more + text.slice(at);
});

/** The same by the library alone. */
function byLibrary(member: string) {
  const [list] = parseDictionary(member).values();
  assert.ok(list !== undefined && isInnerList(list));
  const components = list[0].map(([item, params]) => {
    assert.equal(params.size, 0);
    return item;
  });
  const params = [...list[1]].map(([key, value]) => [key, serializeBareItem(value)]);
  return { components, params, canonical: serializeInnerList(list) };
}

function outcomeOf<T>(read: () => T): T | 'refused' {
  try {
    return read();
  } catch {
    return 'refused';
  }
}

test('a list of usual form is read as the library reads it', () => {
  fc.assert(
    fc.property(usual, (member) => {
      const read = outcomeOf(() => {
        const { components, params, canonical } = structuredInput.read(member);
        return { components, params: [...params], canonical };
      });
      assert.deepEqual(
        read,
        outcomeOf(() => byLibrary(member)),
      );
    }),
    { numRuns: 2_000 },
  );
});

test('a list that was spoilt is refused where the library refuses it, and else read as by it', () => {
  fc.assert(
    fc.property(spoilt, (member) => {
      const read = outcomeOf(() => structuredInput.read(member));
      if (read === 'refused') return;
      const { canonical, params } = read;
      const [list] = parseDictionary(member).values();
      assert.ok(list !== undefined && isInnerList(list));
      assert.equal(canonical, serializeInnerList(list));
      assert.deepEqual([...params.keys()], [...list[1].keys()]);
    }),
    { numRuns: 5_000 },
  );
});

test('bytes of usual form are those the library reads, and the rest is left to it', () => {
  const base64 = fc.oneof(
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    fc.string({ unit: fc.constantFrom(...'AQgw+/==:_- '), maxLength: 10 }),
  );
  fc.assert(
    fc.property(name, base64, (label, text) => {
      const member = `${label}=:${text}:`;
      const known = readUsualBytes(member);
      if (known === undefined) return;
      const [[found, [value]] = ['', [undefined]]] = parseDictionary(member);
      assert.ok(value instanceof ArrayBuffer);
      assert.equal(known.label, found);
      assert.deepEqual(Buffer.from(known.bytes), Buffer.from(value));
      assert.deepEqual(Buffer.from(readSignatureBytes(member)), Buffer.from(value));
    }),
    { numRuns: 5_000 },
  );
});
