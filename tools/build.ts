// Makes what a package holds when it is published, since Node strips no types under node_modules:
// `dist/` with JavaScript, SQL, and declarations of what users import. Run by `npm pack` and `npm
// publish` in the folder of the package (`prepack`); the repository itself never needs it. With
// `--clean` it takes it away.
//
//   the service             dist/ has all of src/, and the other packages in dist/@unwind/, so that
//                           it is whole by itself
//   packages/signatures,    dist/ has its own src/; its package.json leads there as long as it is
//   packages/client         packed

import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const here = process.cwd();
const dist = join(here, 'dist');
const isService = relative(root, here) === '';
const built = join(root, '.build', isService ? 'service' : basename(here));

/** Where the addresses of the packages lie in `dist/` of the service. */
const inside: readonly (readonly [address: string, file: string])[] = [
  ['@unwind/signatures', '@unwind/signatures/index.js'],
  ['@unwind/client', '@unwind/client/client.js'],
  ['@unwind/client/webhooks', '@unwind/client/webhooks.js'],
];

rmSync(dist, { recursive: true, force: true });
if (process.argv.includes('--clean')) {
  if (!isService) leadTo('src');
} else {
  compile();
  if (isService) makeService();
  else makePackage();
  rmSync(join(root, '.build'), { recursive: true, force: true });
}

function makeService(): void {
  renameSync(join(built, 'src'), dist);
  for (const name of ['signatures', 'client']) {
    cpSync(join(built, 'packages', name, 'src'), join(dist, '@unwind', name), { recursive: true });
  }
  for (const file of globSync(['src/**/*.sql', 'src/{console,http}/browser/*.{js,css}'], {
    cwd: root,
  })) {
    cpSync(join(root, file), join(root, file.replace(/^src/, 'dist')));
  }
  for (const file of globSync('**/*.{js,d.ts}', { cwd: dist })) enclose(file);
}

/** Makes the addresses of the packages in a file lead to what lies beside it. */
function enclose(file: string): void {
  const path = join(dist, file);
  let text = readFileSync(path, 'utf8');
  for (const [address, target] of inside) {
    const way = relative(dirname(file), target);
    text = text.replaceAll(`from '${address}'`, `from '${way.startsWith('.') ? way : `./${way}`}'`);
  }
  writeFileSync(path, text);
}

function makePackage(): void {
  renameSync(join(built, 'packages', basename(here), 'src'), dist);
  cpSync(join(root, 'LICENSE'), join(here, 'LICENSE'));
  leadTo('dist');
}

/** Where an address leads: a file of the sources, or what was made of it. */
type Target = string | { readonly default: string };

/** Writes the addresses of a package.json, for what is published or for the repository. */
function leadTo(folder: 'src' | 'dist'): void {
  const file = join(here, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const addresses: readonly (readonly [string, Target])[] = Object.entries(manifest.exports);
  for (const [address, target] of addresses) {
    if (address === './package.json') continue;
    const stem = basename(typeof target === 'string' ? target : target.default, '.ts');
    manifest.exports[address] =
      folder === 'src'
        ? `./src/${basename(stem, '.js')}.ts`
        : { types: `./dist/${stem}.d.ts`, default: `./dist/${stem}.js` };
  }
  writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
  if (folder === 'src') rmSync(join(here, 'LICENSE'), { force: true });
}

/** JavaScript of everything that is needed, and declarations of the packages. */
function compile(): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const projects = [...(isService ? ['tsconfig.build.json'] : []), 'packages/tsconfig.json'];
  for (const project of projects) {
    const args = [tsc, '--project', join(root, project), '--noEmit', 'false', '--outDir', built];
    execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  }
}
