// Ports for what is started later than they are chosen: a service that is found again, or nobody at all.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { systemCode } from '../../src/embedded/embedded-error.ts';

/**
 * Below those that systems hand out (Linux from 32,768 on, others from 49,152): between the choice of a port and
 * its use, whoever takes any free port would now and then be given it.
 */
const range = { from: 15_000, to: 32_000 };
const triesMax = 100;

const chosen = new Set<number>();

/** A port of the loopback address at which nothing listens; the processes of a run of tests choose it once. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(range.from, range.to);
    if ((await take(port)) && (await isFree(port))) return port;
  }
  throw new Error(`none of ${triesMax} ports from ${range.from} to ${range.to} is free`);
}

/** Takes a port. @returns false where this process or another of the run has taken it. */
async function take(port: number): Promise<boolean> {
  if (chosen.has(port)) return false;
  chosen.add(port);
  const directory = process.env['UNWIND_TEST_DIRECTORY'];
  if (directory === undefined) return true;
  try {
    await writeFile(join(directory, `port-${port}`), '', { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (error) {
    if (systemCode(error) === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
