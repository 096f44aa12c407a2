// Says which room owns each table: the one whose stores write it, read off the statements of src/. Writes
// the list into docs/architecture.md, between its two marks:
//   node tools/table-owners.ts
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const pagePath = join(root, 'docs/architecture.md');

/** A statement, or a piece of one, that inserts, updates or deletes. */
export interface TableWrite {
  /** With its schema. */
  readonly table: string;
  readonly room: string;
  /** From the root of the repository. */
  readonly file: string;
}

// What `format` and a template put together has no name to look at: a table of its own, or none.
const writes =
  /\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate)\s+(?:only\s+)?([a-z_0-9]+\.(?:[a-z_0-9]+|\$\{|%))/gi;
const temporary = 'pg_temp.';

/** The tables that a text of SQL, or of TypeScript with SQL in it, writes. */
export function tablesWritten(text: string): readonly string[] {
  return [...text.matchAll(writes)]
    .flatMap(([, table = '']) => table.toLowerCase())
    .filter((table) => !table.startsWith(temporary));
}

/** Every write in the statements of src/, each table once for each file. */
export async function tableWrites(): Promise<readonly TableWrite[]> {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const found = await Promise.all(
    files.map(async (path) => {
      const tables = new Set(tablesWritten(await readFile(path, 'utf8')));
      const file = relative(root, path);
      const room = file.split('/')[1] ?? '';
      return [...tables].map((table) => ({ table, room, file }));
    }),
  );
  return found.flat();
}

/** The list as a table of Markdown. */
export function ownersTable(all: readonly TableWrite[]): string {
  const rooms = Map.groupBy(
    all.toSorted((one, other) => (one.table < other.table ? -1 : 1)),
    ({ room }) => room,
  );
  const rows = [...rooms]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([room, own]) => {
      const tables = [...new Set(own.map(({ table }) => `\`${table}\``))];
      return `| \`${room}\` | ${tables.join(', ')} |`;
    });
  return ['| Room | Tables it alone writes |', '| --- | --- |', ...rows].join('\n');
}

const marks = { begin: '<!-- begin: node tools/table-owners.ts -->', end: '<!-- end -->' };

/** The page with the list in it. @throws where the page has no marks. */
export function withOwners(page: string, all: readonly TableWrite[]): string {
  const [before, rest] = page.split(`${marks.begin}\n`);
  const after = rest?.split(`${marks.end}\n`).slice(1).join(`${marks.end}\n`);
  if (before === undefined || after === undefined) throw new Error(`no ${marks.begin} in the page`);
  return `${before}${marks.begin}\n${ownersTable(all)}\n${marks.end}\n${after}`;
}

if (import.meta.main) {
  const page = await readFile(pagePath, 'utf8');
  await writeFile(pagePath, withOwners(page, await tableWrites()));
}
