// The form of the imported files: header, quotes, line ends, encoding, limits, and the numbers of
// the lines.
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { csvLineBytesMax, stagedLinesMax } from '../../src/book/import-limits.ts';
import { readCsv } from '../../src/book/read-csv.ts';
import { character, fc } from '../support/properties.ts';
import { bookDirectory } from './import-support.ts';

const columns = ['a', 'b'];

/** Reads a file: lines as `line: a|b`, bad lines as `line! reason`, and whether it was whole. */
async function read(t: TestContext, content: string | Buffer, wanted: readonly string[] = columns) {
  const directory = await bookDirectory(t, { 'users.csv': content });
  return readFile(join(directory, 'users.csv'), wanted);
}

async function readFile(path: string, wanted: readonly string[], linesMax?: number) {
  const lines: string[] = [];
  let isWhole = true;
  for await (const part of readCsv(path, wanted, linesMax)) {
    assert.ok(part.lines.length <= stagedLinesMax);
    assert.ok(part.bytesRead <= part.bytesTotal);
    lines.push(...part.lines.map(({ line, fields }) => `${line}: ${fields.join('|')}`));
    lines.push(...part.badLines.map(({ line, reason }) => `${line ?? 'file'}! ${reason}`));
    isWhole &&= part.isWhole;
  }
  return { lines, isWhole };
}

const broken = (...lines: readonly string[]) => ({ lines, isWhole: false });
const whole = (...lines: readonly string[]) => ({ lines, isWhole: true });

test('lines end with LF or CRLF, the last one also with the file', async (t) => {
  const expected = whole('2: 1|2', '3: 3|4');
  assert.deepEqual(await read(t, 'a,b\n1,2\n3,4\n'), expected);
  assert.deepEqual(await read(t, 'a,b\r\n1,2\r\n3,4\r\n'), expected);
  assert.deepEqual(await read(t, 'a,b\n1,2\r\n3,4'), expected);
  assert.deepEqual(await read(t, 'a,b\r\n1,2\n3,4'), expected);
});

test('a byte order mark is no part of the header', async (t) => {
  assert.deepEqual(await read(t, '\ufeffa,b\n1,2\n'), whole('2: 1|2'));
  assert.deepEqual(await read(t, '\ufeff"a",b\n1,2\n'), whole('2: 1|2'));
  assert.deepEqual(await read(t, '\ufeffa,b\n\ufeff1,2\n'), whole('2: \ufeff1|2'));
});

test('fields are quoted as RFC 4180 has it, and nothing is trimmed', async (t) => {
  assert.deepEqual(
    await read(t, 'a,b\n"1,5","say ""yes"""\n 1 ,"" \n'.replace('"" ', '" "')),
    whole('2: 1,5|say "yes"', '3:  1 | '),
  );
});

test('columns come in the order that is asked for, whatever theirs is', async (t) => {
  assert.deepEqual(await read(t, 'b,a\n2,1\n'), whole('2: 1|2'));
});

test('a header that is not right is reported by its columns', async (t) => {
  const first = 'the first line must be a,b';
  assert.deepEqual(await read(t, 'a\n1\n'), broken(`1! column b is missing; ${first}`));
  assert.deepEqual(await read(t, 'a,b,c\n1,2,3\n'), broken(`1! column "c" is unknown; ${first}`));
  assert.deepEqual(
    await read(t, 'a,B\n1,2\n'),
    broken(`1! column b is missing, column "B" is unknown; ${first}`),
  );
  assert.deepEqual(await read(t, 'a,b,a\n1,2,3\n'), broken(`1! "a" stands twice; ${first}`));
  assert.deepEqual(
    await read(t, 'a;b\n1;2\n'),
    broken(`1! column a is missing, column b is missing, column "a;b" is unknown; ${first}`),
  );
  assert.deepEqual(await read(t, '1,2\n'), {
    ...broken(
      '1! column a is missing, column b is missing, column "1" is unknown, column "2" is unknown; ' +
        first,
    ),
  });
  assert.deepEqual(
    await read(t, 'a,"b\n'),
    broken('1! a quoted field that begins here does not end'),
  );
  assert.deepEqual(await read(t, 'a,b"\n1,2\n'), broken('1! a quote stands inside a name'));
});

test('an empty file is reported with what it lacks; one with a header only is right', async (t) => {
  const expected = broken('file! the file is empty; its first line must be a,b');
  assert.deepEqual(await read(t, ''), expected);
  assert.deepEqual(await read(t, '\ufeff'), expected);
  assert.deepEqual(await read(t, 'a,b\n'), whole());
  assert.deepEqual(await read(t, 'a,b'), whole());
});

test('a line with too few or too many fields is reported, and the next is read', async (t) => {
  assert.deepEqual(
    await read(t, 'a,b\n1\n1,2,3\n\n1,\n'),
    whole(
      '5: 1|',
      '2! the number of fields is 1, not 2',
      '3! the number of fields is 3, not 2',
      '4! the line is empty',
    ),
  );
});

test('bytes that are not UTF-8 are reported', async (t) => {
  const content = Buffer.concat([
    Buffer.from('a,b\n1,M'),
    Buffer.from([0xfc]),
    Buffer.from('nchen\n2,München\n'),
  ]);
  assert.deepEqual(await read(t, content), whole('3: 2|München', '2! the line is not UTF-8 text'));
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('a,b\n1,2\n', 'utf16le')]);
  const { lines, isWhole } = await read(t, utf16);
  assert.equal(isWhole, false);
  assert.match(lines.join(), /^1! column a is missing, column b is missing, column .* is unknown/);
});

test('a quote inside an unquoted field spoils its line only', async (t) => {
  assert.deepEqual(
    await read(t, 'a,b\n1,5" pipe\n3,4\n'),
    whole('3: 3|4', '2! a quote stands inside an unquoted field'),
  );
  assert.deepEqual(
    await read(t, 'a,b\n1,x"\n3,"4\n4"\n5,x"y"z"\n6,7,8\n'),
    whole(
      '3: 3|4\n4',
      '2! a quote stands inside an unquoted field',
      '5! a quote stands inside an unquoted field',
      '6! the number of fields is 3, not 2',
    ),
  );
});

test('where a quoted field does not end properly, the reading ends', async (t) => {
  assert.deepEqual(
    await read(t, 'a,b\n1,2\n"x"y,3\n4,5\n'),
    broken('2: 1|2', '3! text follows a closing quote'),
  );
  assert.deepEqual(
    await read(t, 'a,b\n1,2\n3,"4\n5,6\n'),
    broken('2: 1|2', '3! a quoted field that begins here does not end'),
  );
});

test('lines keep their numbers after fields with line breaks in them', async (t) => {
  assert.deepEqual(await read(t, 'a,b\n"1\n1",2\n3,4\n'), whole('2: 1\n1|2', '4: 3|4'));
  assert.deepEqual(
    await read(t, 'a,b\r\n"1\r\n1","2\r\n2"\r\n3,4\r\n5\r5,6\r\n7,8\r\n9\r\n'),
    whole(
      '2: 1\r\n1|2\r\n2',
      '5: 3|4',
      '6: 5\r5|6',
      '7: 7|8',
      '8! the number of fields is 1, not 2',
    ),
  );
});

test('a line that is too long ends the reading', async (t) => {
  const reason = `the line has more than ${csvLineBytesMax} bytes`;
  const long = 'x'.repeat(csvLineBytesMax + 2);
  assert.deepEqual(await read(t, `a,b\n1,2\n${long},1\n3,4\n`), broken('2: 1|2', `3! ${reason}`));
  assert.deepEqual(await read(t, `${long}\n`), broken(`1! ${reason}`));
  assert.deepEqual(await read(t, `a,b\n"${'x\n'.repeat(csvLineBytesMax)}`), {
    ...broken(`2! ${reason}`),
  });
});

test('a part reports bad lines as far as its good lines go', async (t) => {
  const rows = Array.from({ length: stagedLinesMax * 3 }, (_, index) => {
    return index % 3 === 0 ? '1' : '1,2';
  });
  const directory = await bookDirectory(t, { 'users.csv': `a,b\n${rows.join('\n')}\n` });
  const found: number[] = [];
  for await (const part of readCsv(join(directory, 'users.csv'), columns)) {
    const ofPart = [...part.lines, ...part.badLines].map(({ line }) => line ?? 0);
    found.push(...ofPart.sort((one, other) => one - other));
  }
  assert.deepEqual(
    found,
    rows.map((_, index) => index + 2),
  );
});

test('a file with too many lines is not read on', async (t) => {
  const directory = await bookDirectory(t, { 'users.csv': 'a,b\n1,2\n3,4\n5,6\n7,8\n' });
  const path = join(directory, 'users.csv');
  assert.deepEqual(
    await readFile(path, columns, 2),
    broken('2: 1|2', '3: 3|4', '4! the file has more than 2 lines'),
  );
  assert.deepEqual((await readFile(path, columns, 4)).isWhole, true);
});

test('a file that grows while it is read is refused', async (t) => {
  const directory = await bookDirectory(t, {
    'users.csv': `a\n${'1\n'.repeat(stagedLinesMax * 2)}`,
  });
  const path = join(directory, 'users.csv');
  const bad: unknown[] = [];
  for await (const part of readCsv(path, ['a'])) {
    if (part.linesRead > 0 && part.isWhole) await appendFile(path, '2\n');
    bad.push(...part.badLines);
  }
  assert.deepEqual(bad, [{ line: undefined, reason: 'the file changed while it was read' }]);
});

test('what is written comes out the same, in parts of any size', async (t) => {
  const field = fc.string({ unit: character, maxLength: 20 }).filter((text) => {
    return !text.includes('\ufffd') && !text.includes('\r');
  });
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(field, field), { maxLength: 50 }),
      fc.constantFrom('\n', '\r\n'),
      async (rows, end) => {
        const content = ['a,b', ...rows.map((row) => row.map(quoted).join(','))].join(end) + end;
        let line = 2;
        const expected = rows.map((row) => {
          const text = `${line}: ${row.join('|')}`;
          line += 1 + row.join('').split('\n').length - 1;
          return text;
        });
        assert.deepEqual(await read(t, content), whole(...expected));
      },
    ),
    { numRuns: 40 },
  );
});
