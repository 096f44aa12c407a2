// Every link of the pages of this repository leads to a file that is there, and to a heading in it
// where it names one; the decisions are numbered one after the other.

import assert from 'node:assert/strict';
import { access, glob, readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

const checked = ['*.md', 'docs/**/*.md', 'bench/**/*.md', 'examples/**/*.md', 'test/**/*.md'];

/** As the usual renderers make the anchor of a heading. */
function anchorOf(heading: string): string {
  const words = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '');
  return words.trim().replaceAll(' ', '-');
}

test('links between pages lead somewhere', async () => {
  const files = await Array.fromAsync(glob(checked, { cwd: root }));
  assert.ok(files.length > 30);
  let count = 0;
  for (const file of files) {
    const text = (await readFile(join(root, file), 'utf8')).replaceAll(/^```.*?^```$/gms, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const to = path === '' ? join(root, file) : resolve(root, dirname(file), path);
      const place = `${file}: ${target}`;
      await access(to).catch(() => assert.fail(`${place} leads to no file`));
      assert.ok(!relative(root, to).startsWith('..'), `${place} leaves the repository`);
      count += 1;
      if (anchor === undefined) continue;
      const headings = (await readFile(to, 'utf8')).matchAll(/^#+ (.*)$/gm);
      const anchors = [...headings].map(([, heading = '']) => anchorOf(heading));
      assert.ok(anchors.includes(anchor), `${place} names no heading`);
    }
  }
  assert.ok(count > 40);
});

test('each decision has a number of its own, in its name and in its heading', async () => {
  const folder = join(root, 'docs/decisions');
  const files = await readdir(folder);
  const numbers = files.map(
    (file) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(file)?.[1] ?? assert.fail(file),
  );
  assert.equal(new Set(numbers).size, files.length, 'a number is given twice');
  for (const [i, file] of files.entries()) {
    const [heading = ''] = (await readFile(join(folder, file), 'utf8')).split('\n');
    assert.match(heading, new RegExp(`^# ${Number(numbers[i])}\\. \\S`), file);
  }
});
