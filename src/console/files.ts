// What the browser loads: our modules and styles, and the packages they import, all served by the service
// itself. An address has the digest of all of it, so a browser keeps what it has until something changes.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const own = fileURLToPath(new URL('./browser/', import.meta.url));
const { resolve } = createRequire(import.meta.url);

/** By the name under which modules import them: the package, and its file for browsers. */
const packages: Readonly<Record<string, readonly [name: string, file: string]>> = {
  preact: ['preact', 'dist/preact.mjs'],
  'preact/hooks': ['preact', 'hooks/dist/hooks.mjs'],
  '@preact/signals-core': ['@preact/signals-core', 'dist/signals-core.mjs'],
  '@preact/signals': ['@preact/signals', 'dist/signals.mjs'],
  htm: ['htm', 'dist/htm.mjs'],
  'htm/preact': ['htm', 'preact/index.mjs'],
  uplot: ['uplot', 'dist/uPlot.esm.js'],
};

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

export interface ConsoleFile {
  readonly body: Buffer;
  readonly type: string;
}

export interface ConsoleFiles {
  /** Of everything: the folder under which the files are reached. */
  readonly digest: string;
  readonly files: ReadonlyMap<string, ConsoleFile>;
  /** From the name in an `import` to the name of the file. */
  readonly imports: Readonly<Record<string, string>>;
}

/** Reads all of it; what a process serves does not change while it lives. */
export async function readConsoleFiles(): Promise<ConsoleFiles> {
  const files = new Map<string, ConsoleFile>();
  const names = (await readdir(own)).filter((name) => types[extname(name)] !== undefined);
  for (const name of names.toSorted()) {
    const type = types[extname(name)] ?? '';
    files.set(name, { body: await readFile(join(own, name)), type });
  }
  const imports: Record<string, string> = {};
  for (const [name, [pack, file]] of Object.entries(packages)) {
    const served = `lib-${name.replace('@', '').replaceAll('/', '-')}.js`;
    const text = await readFile(join(folderOf(pack), file), 'utf8');
    // Maps of packages are not served, and a browser that looks for them reports an error.
    const body = Buffer.from(text.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n'));
    files.set(served, { body, type: types['.js'] ?? '' });
    imports[name] = served;
  }
  const uplotStyles = await readFile(join(folderOf('uplot'), 'dist/uPlot.min.css'));
  files.set('uplot.css', { body: uplotStyles, type: types['.css'] ?? '' });
  const hash = createHash('sha256');
  for (const [name, { body }] of files) hash.update(`${name} ${body.length}\n`).update(body);
  return { digest: hash.digest('hex').slice(0, 16), files, imports };
}

/** Where a package lies; not all of them export their `package.json`. */
function folderOf(name: string): string {
  let folder = dirname(resolve(name));
  while (!folder.endsWith(join('node_modules', name))) folder = dirname(folder);
  return folder;
}
