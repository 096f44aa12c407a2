// What a receiver asks for by `Retry-After` (RFC 9110 10.2.3), form by form; how long is waited at most
// is the affair of deliveries.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readRetryAfter } from '../../src/egress/post.ts';
import { fc } from '../support/properties.ts';

const now = new Date('2026-01-05T09:00:00.000Z');

describe('Retry-After', () => {
  const table: readonly (readonly [value: unknown, waitMs: number | undefined])[] = [
    ['120', 120_000],
    ['0', 0],
    ['0090', 90_000],
    ['864000', 864_000_000],
    ['2592000', 2_592_000_000],
    ['9 ', 9_000],
    ['\t 9\t', 9_000],
    ['Mon, 05 Jan 2026 09:01:30 GMT', 90_000],
    ['Monday, 05-Jan-26 09:01:30 GMT', 90_000],
    ['Mon Jan  5 09:01:30 2026', 90_000],
    [' Mon, 05 Jan 2026 09:01:30 GMT ', 90_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Mon, 05 Jan 2026 09:00:00 GMT', 0],
    ['-1', undefined],
    ['+1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['120, 60', undefined],
    ['9 s', undefined],
    ['١٢', undefined],
    ['\u00a09', undefined],
    ['soon', undefined],
    ['', undefined],
    ['2026-01-05T09:01:30Z', undefined],
    ['Mon, 05 Jan 2026 09:01:30 +0200', undefined],
    ['Mon, 99 Jan 2026 09:01:30 GMT', undefined],
    ['Mon, 05 Jan 2026 25:01:30 GMT', undefined],
    [['120', '60'], undefined],
    [undefined, undefined],
  ];
  for (const [value, waitMs] of table) {
    test(`${JSON.stringify(value)} asks for ${waitMs} ms`, () => {
      assert.equal(readRetryAfter(value, now), waitMs);
    });
  }

  test('of however many digits asks for no less than with fewer', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[1-9][0-9]{0,400}$/), (digits) => {
        const [waitMs, shorter] = [digits, digits.slice(0, -1) || '0'].map((text) => {
          return readRetryAfter(text, now) ?? Number.NaN;
        });
        assert.ok(waitMs !== undefined && shorter !== undefined && waitMs >= shorter);
      }),
    );
  });
});
