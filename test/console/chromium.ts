// A real Chromium that opens pages of the service, where the machine has one. Whatever the page reports as an error
// fails the test, and so does what axe finds.
import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { later } from '../../src/clock.ts';
import type { ConsoleRole } from '../../src/console/person.ts';
import { linkAddress, makeLink } from '../../src/console/sessions.ts';
import type { Sql } from '../../src/db/connect.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { type AfterTest, createTestDatabase } from '../support/database.ts';
import {
  type ApiClient,
  type HttpOptions,
  type HttpService,
  makeApiClient,
  startHttp,
} from '../support/http.ts';
import { drawIdsAt } from '../support/ids.ts';

const places = [
  process.env['UNWIND_TEST_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where the browser is; undefined: this machine has none. */
export const chromiumPath = await findChromium();

/** Said by the tests that are skipped. */
export const noChromium =
  chromiumPath === undefined ? 'no Chromium on this machine: apt-get install chromium' : false;

async function findChromium(): Promise<string | undefined> {
  for (const place of places) {
    if (place === undefined) continue;
    const isThere = await access(place).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  return undefined;
}

/** The browser, for all tests of a file; closed after them. */
export async function startChromium(t: AfterTest): Promise<Browser> {
  assert.ok(chromiumPath !== undefined);
  // Chromium's own sandbox does not run for root, as which containers run.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: chromiumPath, args });
  t.after(() => browser.close());
  return browser;
}

export interface Screen {
  readonly width?: number;
  readonly theme?: 'light' | 'dark';
  readonly role?: ConsoleRole;
  /** Who signs in. */
  readonly name?: string;
  /** Errors that the page has to report; it may report no others. */
  readonly expects?: RegExp;
}

export interface ConsolePage {
  readonly page: Page;
  /** Opens a place below `/console`. */
  open(path: string): Promise<void>;
  /** Fails with what axe finds on the page as it is, and where it is wider than the screen. */
  checkAccess(): Promise<void>;
}

const patienceMs = 120_000;
const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A page in a browser of its own, which asks nobody but this machine. */
export async function newPage(
  t: AfterTest,
  browser: Browser,
  { width = 1280, theme = 'light', expects }: Omit<Screen, 'role' | 'name'> = {},
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: 860 },
    colorScheme: theme,
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) errors.push(message.text());
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'data:' && hostname !== '127.0.0.1') errors.push(`asked ${hostname}`);
  });
  t.after(async () => {
    await context.close();
    const others = errors.filter((error) => expects?.test(error) !== true);
    assert.deepEqual(others, [], 'the page reported errors');
    assert.ok(expects === undefined || errors.length > 0, `the page did not report ${expects}`);
  });
  return page;
}

export interface TestConsole {
  readonly sql: Sql;
  readonly clock: TestClock;
  readonly client: ApiClient;
  readonly service: HttpService;
  readonly openConsole: (t: AfterTest, screen?: Screen) => Promise<ConsolePage>;
}

/** For all tests of a file: a service with one client and a browser. Its clock begins where that of the browser is. */
export async function startConsole(
  t: AfterTest,
  options: Partial<HttpOptions> = {},
): Promise<TestConsole> {
  const browser = await startChromium(t);
  const { sql } = await createTestDatabase(t);
  const clock = testClock(startOfConsole().toISOString());
  drawIdsAt(t, clock);
  const client = await makeApiClient(sql, clock);
  const service = await startHttp(t, { sql, clock, ...options });
  const at = { port: service.port, sql, clock };
  return {
    ...{ sql, clock, client, service },
    openConsole: (own, screen) => openConsole(own, browser, at, screen),
  };
}

/** Now; shortly before midnight in UTC the next day, since what is sold today is counted before and after a sale. */
function startOfConsole(): Date {
  const now = new Date();
  const soon = later(now, nightMs);
  return soon.getUTCDate() === now.getUTCDate() ? now : soon;
}

const nightMs = 10 * 60_000;

/** A page in a browser of its own in which somebody has signed in by a link. */
async function openConsole(
  t: AfterTest,
  browser: Browser,
  at: { port: number; sql: Sql; clock: TestClock },
  { role = 'operator', name = 'Test person', ...screen }: Screen = {},
): Promise<ConsolePage> {
  const page = await newPage(t, browser, screen);
  const base = `http://127.0.0.1:${at.port}`;
  const link = await makeLink(at.sql, at.clock, { name, role });
  await page.goto(linkAddress(base, link));
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  return {
    page,
    open: async (path) => {
      await page.goto(`${base}/console${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
    },
    checkAccess: () => checkAccess(page),
  };
}

export async function checkAccess(page: Page): Promise<void> {
  await page.evaluate(await axeSource);
  // The console has no axe of its own to name it in a type.
  const found = (await page.evaluate(`
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html, failureSummary }) => html + ': ' + failureSummary)]))
  `)) as readonly string[][];
  assert.deepEqual(found, [], `axe on ${page.url()}`);
  const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
  assert.ok(Number(over) <= 0, `${page.url()} is ${over} px wider than the screen`);
}
