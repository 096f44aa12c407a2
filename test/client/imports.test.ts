// What the two published entry points reach: the client, the signature code, and one library. No
// server, no database, nothing that would come along into an integrator's program.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Files and packages that are loaded with a file; types leave nothing behind. */
function reach(entry: string): { files: readonly string[]; packages: readonly string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(join(root, file), 'utf8');
    const imports = text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gms);
    assert.doesNotMatch(text, /\bimport\(|^import '/m, `${file} imports in another way`);
    for (const [, from = ''] of imports) {
      if (from.startsWith('.')) visit(relative(root, join(root, dirname(file), from)));
      else if (from === '@unwind/signatures') visit('packages/signatures/src/index.ts');
      else packages.add(from);
    }
  };
  visit(entry);
  return { files: [...files], packages: [...packages] };
}

for (const name of ['client', 'webhooks']) {
  test(`${name} needs no server and no database`, () => {
    const { files, packages } = reach(`packages/client/src/${name}.ts`);
    assert.ok(files.length > 5, 'the walk has gone somewhere');
    const foreign = files.filter((file) => !file.startsWith('packages/'));
    assert.deepEqual(foreign, []);
    const allowed = ['node:crypto', 'node:timers/promises', 'structured-headers'];
    assert.deepEqual(
      packages.filter((one) => !allowed.includes(one)),
      [],
    );
  });
}

test('a receiver of webhooks loads nothing that sends requests', () => {
  const { files } = reach('packages/client/src/webhooks.ts');
  assert.deepEqual(
    files.filter((file) => /\/(call|exchange|retry|operations)\.ts$/.test(file)),
    [],
  );
});
