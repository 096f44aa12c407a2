// What `npm test` prints: Node's own report, in which a process that crashed goes by its test files.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { spec } from 'node:test/reporters';

type Source = AsyncIterable<{ readonly type: string; readonly data: object }>;

const index = process.env['UNWIND_TEST_GROUPS'];
const groups = new Map<string, readonly string[]>(
  index === undefined ? [] : Object.entries(JSON.parse(readFileSync(index, 'utf8'))),
);

// biome-ignore lint/style/noDefaultExport: Node asks for it
export default async function* report(source: Source): AsyncGenerator<string> {
  yield* Readable.from(named(source)).compose(new spec());
}

async function* named(source: Source) {
  for await (const event of source) {
    const files = 'name' in event.data ? groups.get(String(event.data.name)) : undefined;
    yield files === undefined
      ? event
      : { ...event, data: { ...event.data, name: `the process of ${files.join(', ')}` } };
  }
}
