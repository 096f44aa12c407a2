// The code in the pages for integrators, for the tests that try it.
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../docs/integrators/', import.meta.url));

/** A fenced block of a page; `language` is all that stands behind the opening fence. */
export interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

/** A page as it is written. */
export function textOf(page: string): Promise<string> {
  return readFile(join(folder, page), 'utf8');
}

/** The blocks of one page, in order. */
export async function blocksOf(page: string): Promise<readonly Block[]> {
  const text = await textOf(page);
  const blocks = text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms);
  return [...blocks].map(([, language = '', code = '']) => ({ page, language, text: code }));
}

/** The blocks of all pages in some language. */
export async function allBlocks(language: string): Promise<readonly Block[]> {
  const pages = (await Array.fromAsync(glob('*.md', { cwd: folder }))).sort();
  const blocks = await Promise.all(pages.map(blocksOf));
  return blocks.flat().filter((block) => block.language === language);
}
