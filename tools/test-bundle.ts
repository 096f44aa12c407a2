// Test files, and what they start, each as one file of JavaScript that shares the rest with the others. To
// load the service from its sources takes Node 1,600 files and most of the time of a small test, and a
// process of the service or of a command is started hundreds of times. What is run is what the sources say:
// nothing is left out, renamed or made smaller.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type OutputFile, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));

/** In `node_modules`, so that what is not bundled is found; always the same, so that it is compiled once. */
const directory = join(root, 'node_modules/.cache/unwind-tests');

/** In pieces, since what is replaced would be replaced here as well. */
const own = ['import', 'meta'].join('.');

/** How long a file is kept that no run has made again, in ms. */
const keptMs = 86_400_000;

/** Packages that load their own files by path, and that few tests need. */
const external = ['playwright-core', 'typescript', 'esbuild'];

/** @returns by file, as it is given, what to run in its place; undefined where one does not parse, which it says. */
export async function bundle(
  files: readonly string[],
): Promise<ReadonlyMap<string, string> | undefined> {
  await mkdir(directory, { recursive: true });
  await removeOld();
  const made = await build({
    absWorkingDir: root,
    entryPoints: [...files],
    outdir: directory,
    outbase: root,
    bundle: true,
    splitting: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Runs beside each other may share the directory: what differs has another name.
    entryNames: '[dir]/[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    external,
    plugins: [ownPlaces],
    // What CommonJS asks for, and modules of Node have not.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(${own}.url);`,
    },
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'warning',
  }).catch((error: Error) => {
    if (!('errors' in error)) throw error;
    return undefined; // esbuild has printed what is wrong
  });
  if (made === undefined) return undefined;
  for (const file of made.outputFiles) await keep(file);
  return new Map(
    Object.entries(made.metafile.outputs).flatMap(([path, { entryPoint }]) => {
      return entryPoint === undefined ? [] : [[entryPoint, resolve(root, path)] as const];
    }),
  );
}

/**
 * Puts a file in its place whole, so that a run beside this one, which may just load it, never finds half of it.
 * One that is there stays: its name tells what it holds.
 */
async function keep({ path, contents }: OutputFile): Promise<void> {
  const known = await stat(path).catch(() => undefined);
  if (known?.size === contents.length) {
    const now = new Date();
    const isThere = await utimes(path, now, now).then(
      () => true,
      () => false, // a run beside this one has found it too old
    );
    if (isThere) return;
  }
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${randomUUID()}`;
  await writeFile(unfinished, contents);
  await rename(unfinished, path);
}

/** A file goes on to know where its source lies. */
const ownPlaces: Plugin = {
  name: 'own-places',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text
        .replaceAll(`${own}.url`, JSON.stringify(pathToFileURL(path).href))
        .replaceAll(`${own}.filename`, JSON.stringify(path))
        .replaceAll(`${own}.dirname`, JSON.stringify(dirname(path)));
      return { contents, loader: 'ts' };
    });
  },
};

async function removeOld(): Promise<void> {
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name);
    const entry = await stat(path).catch(() => undefined); // a run beside this one has removed it
    if (entry?.isFile() && Date.now() - entry.mtimeMs > keptMs) await rm(path, { force: true });
  }
}
