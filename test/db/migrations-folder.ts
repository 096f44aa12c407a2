// Migrations of a test in a folder of their own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readMigrations } from '../../src/db/migrate.ts';

/** The text of each file by its name. */
export type Files = Readonly<Record<string, string>>;

export async function folderOf(t: TestContext, files: Files): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'unwind-migrations-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return pathToFileURL(`${folder}/`);
}

/** The first steps of the service. */
export async function firstSteps(t: TestContext, count: number): Promise<URL> {
  const steps = (await readMigrations()).slice(0, count);
  const named = steps.map(({ number, name, text }) => {
    return [`${String(number).padStart(4, '0')}-${name}.sql`, text] as const;
  });
  return folderOf(t, Object.fromEntries(named));
}
