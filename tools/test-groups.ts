// Which test files share a process. To start one and to load the service takes longer than most files
// take to run, so files of one room run in one process, one after the other.
import { glob, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** Most that one process runs: it is the unit that cores share, and what a crash takes along. */
const limits = { files: 32, bytes: 160_000 };

/** A file says so that is left to `npm run test:long`; it runs alone as well. */
const isLongByNature = /^\/\/ Long by nature: /m;

/**
 * Files that start programs wait for them most of the time, and share little with others; and a file may
 * say that it runs alone, because it takes long or changes what its whole process shares.
 */
const runsAlone = /^\/\/ Runs alone|from '(node:child_process|[./]+\/(processes|chromium)\.ts)'/m;

interface TestFile {
  /** From the directory of the package, as people name it. */
  readonly path: string;
  readonly bytes: number;
  readonly isAlone: boolean;
  readonly isLong: boolean;
}

/** Files of one process, in their order. */
export type Group = readonly string[];

/**
 * The files that paths and patterns name, by process. What is long by nature comes first, then rooms; files that
 * run alone otherwise take seconds, and fill the time of the cores at the end.
 */
export async function groupsOf(
  patterns: readonly string[],
  { isShort = false } = {},
): Promise<readonly Group[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    for await (const path of glob(await toPattern(pattern))) paths.add(path);
  }
  const all = await Promise.all([...paths].sort().map(readTestFile));
  const files = all.filter(({ isLong }) => !(isShort && isLong));
  const alone = files.filter((file) => file.isAlone).map((file) => [file]);
  const shared = Object.values(
    Object.groupBy(
      files.filter((file) => !file.isAlone),
      ({ path }) => dirname(path),
    ),
  );
  const groups = [...alone, ...merge(shared.flatMap((room) => divide(room ?? [])))];
  const rankOf = ([first]: readonly TestFile[]) => (first?.isLong ? 0 : first?.isAlone ? 2 : 1);
  return groups
    .sort((a, b) => rankOf(a) - rankOf(b) || bytesOf(b) - bytesOf(a))
    .map((group) => group.map((file) => file.path));
}

async function toPattern(path: string): Promise<string> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false, // a pattern
  );
  return isDirectory ? join(path, '**', '*.test.ts') : path;
}

async function readTestFile(path: string): Promise<TestFile> {
  const text = await readFile(path, 'utf8');
  const isLong = isLongByNature.test(text);
  const isAlone = isLong || !path.endsWith('.test.ts') || runsAlone.test(text);
  return { path, bytes: text.length, isAlone, isLong };
}

/** As few groups as the limits allow, of about the same size. */
function divide(files: readonly TestFile[]): readonly (readonly TestFile[])[] {
  const count = Math.max(
    Math.ceil(bytesOf(files) / limits.bytes),
    Math.ceil(files.length / limits.files),
  );
  const groups = Array.from({ length: count }, () => ({ bytes: 0, files: [] as TestFile[] }));
  for (const file of files.toSorted((a, b) => b.bytes - a.bytes)) {
    const open = groups.filter((group) => group.files.length < limits.files);
    const smallest = open.reduce((least, group) => (group.bytes < least.bytes ? group : least));
    smallest.files.push(file);
    smallest.bytes += file.bytes;
  }
  return groups.map((group) => group.files);
}

/** Puts the groups of small rooms together. */
function merge(groups: readonly (readonly TestFile[])[]): readonly (readonly TestFile[])[] {
  const merged: TestFile[][] = [];
  for (const group of groups.toSorted((a, b) => bytesOf(a) - bytesOf(b))) {
    const last = merged.at(-1) ?? [];
    const isRoom = last.length + group.length <= limits.files;
    if (last.length > 0 && isRoom && bytesOf(last) + bytesOf(group) <= limits.bytes) {
      last.push(...group);
    } else {
      merged.push([...group]);
    }
  }
  return merged;
}

function bytesOf(files: readonly TestFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}

/**
 * Files for `node --test`, one for each group, and where `test-reporter.ts` finds what is in them.
 * `bundled`: what is run in place of a file.
 */
export async function writeEntries(
  directory: string,
  groups: readonly Group[],
  bundled: ReadonlyMap<string, string> = new Map(),
): Promise<{ readonly entries: readonly string[]; readonly index: string }> {
  const runner = JSON.stringify(resolve(import.meta.dirname, 'test-process.ts'));
  const names = groups.map((group, at) => {
    const room = dirname(group[0] ?? '').replaceAll('/', '.');
    return join(directory, `${String(at + 1).padStart(3, '0')}.${room}.mjs`);
  });
  await Promise.all(
    names.map((name, at) => {
      const group = groups[at] ?? [];
      const files = JSON.stringify(group.map((file) => [file, bundled.get(file) ?? file]));
      return writeFile(name, `import { runFiles } from ${runner};\nrunFiles(${files});\n`);
    }),
  );
  const index = join(directory, 'groups.json');
  const pairs = names.map((name, at) => [name, groups[at]]);
  await writeFile(index, JSON.stringify(Object.fromEntries(pairs)));
  return { entries: names, index };
}
