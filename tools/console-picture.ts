// Makes the pictures of the console in README.md from the real thing: a sandbox of its own with the example book,
// some accounts sold, some under way, units of one locked.
//   node tools/console-picture.ts

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { environmentOf, Processes } from '../examples/demo/processes.ts';
import { clientOf } from '../src/commands/sandbox-access.ts';
import { readSandboxClient } from '../src/sandbox/sandbox-client.ts';
import { chromiumPath, noChromium } from '../test/console/chromium.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const book = join(root, 'examples/book/');
const pictures = join(root, 'docs/pictures');
const screen = { width: 1280, height: 820 };
/** Accounts that are sold before the picture, and those that are just asked for. */
const soldAccounts = 120;
const newAccounts = 12;

if (chromiumPath === undefined) throw new Error(String(noChromium));

const home = await mkdtemp(join(tmpdir(), 'unwind-picture-'));
const processes = new Processes(environmentOf(home));
const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  await processes.startService();
  await processes.run('import', book);
  await take(browser);
} finally {
  await browser.close();
  await processes.end();
  await rm(home, { recursive: true, force: true });
}

async function take(one: Browser): Promise<void> {
  const sandbox = await readSandboxClient(home);
  if (sandbox === undefined) throw new Error('the service made no sandbox client');
  const client = await clientOf(sandbox);
  const all = await client.accounts.list().all();
  const accounts = all.filter(({ status }) => status === 'ACTIVE');
  const start = (some: typeof accounts) => {
    return Promise.all(
      some.map((account) => {
        const [owner] = account.users;
        return client.liquidations.create(account.id, { user_id: owner?.id ?? '' });
      }),
    );
  };
  const { text: link } = await processes.run('console');
  const page = await one.newPage({ viewport: screen, reducedMotion: 'reduce' });
  await page.goto(link.trim());
  await start(accounts.slice(0, soldAccounts));
  const done = page.locator('.tile', { hasText: 'Done today' }).locator('.value');
  // A few of the example book wait: their units are locked, or no venue lists them.
  await done.getByText(/^(9\d|1[0-2]\d)$/).waitFor({ timeout: 240_000 });
  await start(accounts.slice(soldAccounts, soldAccounts + newAccounts));
  await page.getByRole('table', { name: 'Why open liquidations wait' }).waitFor();
  await page.locator('.plot canvas').waitFor();
  await mkdir(pictures, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    // The plot is drawn in the colours of the theme once the page has them.
    await page.reload();
    await page.locator('.plot canvas').waitFor();
    await page.waitForLoadState('networkidle');
    await page.screenshot({ path: join(pictures, `console-${colorScheme}.png`) });
  }
}
