// Makes what the package holds, since Node strips no types under node_modules: `dist/` with the
// JavaScript of all of `src/`, its SQL, and declarations of what users import. Run by `npm pack` and
// `npm publish` (`prepack`); the repository itself never needs it. With `--clean` it takes it away.

import { execFileSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = join(root, 'dist');
const tsc = join(root, 'node_modules/typescript/bin/tsc');

/** What `exports` in package.json names. */
const published = ['src/client/client.ts', 'src/client/webhooks.ts'];

rmSync(dist, { recursive: true, force: true });
if (!process.argv.includes('--clean')) build();

function build(): void {
  compile('--project', 'tsconfig.build.json');
  // With files named, the compiler takes its options from the command line alone.
  const options = [...'--module nodenext --target esnext --lib esnext --types node'.split(' ')];
  const strictness = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--rewriteRelativeImportExtensions',
  ];
  const output = ['--rootDir', 'src', '--outDir', 'dist', '--declaration', '--emitDeclarationOnly'];
  compile('--ignoreConfig', ...options, ...strictness, '--skipLibCheck', ...output, ...published);
  for (const file of globSync('src/**/*.sql', { cwd: root })) {
    cpSync(join(root, file), join(root, file.replace(/^src/, 'dist')));
  }
}

function compile(...args: readonly string[]): void {
  execFileSync(process.execPath, [tsc, ...args], { cwd: root, stdio: 'inherit' });
}
