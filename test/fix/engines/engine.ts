// Engines that nobody here wrote, as counterparties: QuickFIX on C++ with a small market of ours, and
// QuickFIX/J with its own example Executor. Each is a process; what it logged is its ledger.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../../support/condition.ts';
import type { AfterTest } from '../../support/database.ts';
import { freePort } from '../../support/port.ts';

const run = promisify(execFile);
const here = fileURLToPath(new URL('./', import.meta.url));
const patienceMs = 60_000;

/** A message of the engine's log. */
export interface Logged {
  readonly direction: 'in' | 'out';
  readonly fields: ReadonlyMap<string, string>;
}

export interface Engine {
  readonly port: number;
  kill(): Promise<void>;
  launch(): Promise<void>;
  /** Everything it has logged so far. */
  log(): Promise<readonly Logged[]>;
}

/** What a machine lacks for an engine; undefined: nothing. */
export async function missingFor(engine: 'cpp' | 'java'): Promise<string | undefined> {
  const needed =
    engine === 'cpp'
      ? [['g++', 'a C++ compiler (Debian: g++)'] as const]
      : [['java', 'a JDK 17'] as const, ['mvn', 'Maven'] as const];
  for (const [program, name] of needed) {
    const found = await run('sh', ['-c', `command -v ${program}`]).catch(() => undefined);
    if (found === undefined) return `needs ${name}, which this machine does not have`;
  }
  const hasLibrary = existsSync('/usr/include/quickfix/Application.h');
  if (engine === 'cpp' && !hasLibrary) return 'needs QuickFIX (Debian: libquickfix-dev)';
  return undefined;
}

async function folderFor(t: AfterTest): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'unwind-engine-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

let compiled: Promise<string> | undefined;

/** The acceptor's program, compiled once for the process. */
function compile(): Promise<string> {
  compiled ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'unwind-acceptor-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    const program = join(folder, 'acceptor');
    const source = join(here, 'acceptor.cpp');
    await run('g++', ['-std=c++14', '-O2', '-w', '-o', program, source, '-lquickfix']);
    return program;
  })();
  return compiled;
}

/** How the market of the C++ engine treats orders; `acceptor.cpp` says what a course is. */
export interface CppMarket {
  readonly courses: Readonly<Record<string, string>>;
  /** Orders rest until `step`; otherwise they are executed when they come. */
  readonly isStepped?: boolean;
}

export interface CppEngine extends Engine {
  /** Executes a share of what is left of every open order. */
  step(share: number): Promise<void>;
  /** The number that its next message gets, and the one it expects. */
  numbers(): Promise<{ readonly out: number; readonly in: number }>;
}

/** QuickFIX on C++: compiled here, killed and started again at will. */
export async function startCpp(t: AfterTest, market: CppMarket): Promise<CppEngine> {
  const program = await compile();
  const folder = await folderFor(t);
  const port = await freePort();
  const settings = join(folder, 'settings.cfg');
  const lines = [
    '[DEFAULT]',
    'ConnectionType=acceptor',
    `FileStorePath=${join(folder, 'store')}`,
    `FileLogPath=${join(folder, 'log')}`,
    'StartTime=00:00:00',
    'EndTime=00:00:00',
    'UseDataDictionary=N',
    '[SESSION]',
    'BeginString=FIX.4.4',
    'SenderCompID=ENGINE',
    'TargetCompID=UNWIND',
    `SocketAcceptPort=${port}`,
    'SocketReuseAddress=Y',
    'SocketNodelay=Y',
  ];
  await writeFile(settings, `${lines.join('\n')}\n`);
  await Promise.all(['store', 'log'].map((name) => mkdir(join(folder, name))));
  const courses = Object.entries(market.courses).map(([symbol, course]) => `${symbol}=${course}`);
  const args = [settings, market.isStepped ? 'stepped' : 'at-once', ...courses];
  const engine = new EngineProcess(() => {
    return spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  });
  t.after(() => engine.kill());
  await engine.launch('listens');
  return {
    port,
    kill: () => engine.kill(),
    launch: () => engine.launch('listens'),
    step: async (share) => {
      await engine.ask(`step ${share}`, /^stepped\n/);
    },
    numbers: async () => {
      const [, expected, next] = await engine.ask('numbers', /^numbers (\d+) (\d+)\n/);
      return { in: Number(expected), out: Number(next) };
    },
    log: async () => {
      const files = await readdir(join(folder, 'log'));
      const file = files.find((name) => name.endsWith('messages.current.log')) ?? '';
      const text = await readFile(join(folder, 'log', file), 'latin1');
      return text.split('\n').flatMap(loggedIn);
    },
  };
}

/** QuickFIX/J's Executor: fills market orders at a fixed price. */
export async function startJava(t: AfterTest): Promise<Engine> {
  const folder = await folderFor(t);
  const libraries = join(folder, 'lib');
  const copy = ['-q', '-B', '-f', join(here, 'pom.xml'), 'dependency:copy-dependencies'];
  await run('mvn', [...copy, `-DoutputDirectory=${libraries}`], { timeout: 300_000 });
  const port = await freePort();
  const settings = join(folder, 'executor.cfg');
  const lines = [
    '[default]',
    'ConnectionType=acceptor',
    `FileStorePath=${join(folder, 'store')}`,
    'StartTime=00:00:00',
    'EndTime=00:00:00',
    'HeartBtInt=30',
    'ValidOrderTypes=1,2,F',
    'SenderCompID=ENGINE',
    'TargetCompID=UNWIND',
    'UseDataDictionary=Y',
    'DefaultMarketPrice=12.34',
    'SocketAcceptAddress=127.0.0.1',
    '[session]',
    'BeginString=FIX.4.4',
    `SocketAcceptPort=${port}`,
  ];
  await writeFile(settings, `${lines.join('\n')}\n`);
  const engine = new EngineProcess(() => {
    const main = 'quickfix.examples.executor.Executor';
    const args = ['-cp', join(libraries, '*'), main, settings];
    // It runs until its standard input ends.
    return spawn('java', args, { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
  });
  t.after(() => engine.kill());
  await engine.launch('quit');
  return {
    port,
    kill: () => engine.kill(),
    launch: () => engine.launch('quit'),
    log: async () => engine.text().split('\n').flatMap(loggedIn),
  };
}

class EngineProcess {
  readonly #spawn: () => ChildProcess;
  #child: ChildProcess | undefined;
  #text = '';

  constructor(start: () => ChildProcess) {
    this.#spawn = start;
  }

  text(): string {
    return this.#text;
  }

  /** Starts it; it listens once it has said so. */
  async launch(says: string): Promise<void> {
    const from = this.#text.length;
    const child = this.#spawn();
    this.#child = child;
    child.stdout?.setEncoding('latin1').on('data', (chunk: string) => {
      this.#text += chunk;
    });
    await eventually('the engine listens', () => this.#text.slice(from).includes(says), patienceMs);
  }

  /** Writes a line to its standard input, and waits for the answer. */
  async ask(line: string, form: RegExp): Promise<RegExpExecArray> {
    const from = this.#text.length;
    this.#child?.stdin?.write(`${line}\n`);
    const find = () => form.exec(this.#text.slice(from));
    return eventually(`the engine answers "${line}"`, async () => find() ?? false, patienceMs);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** A line of a log that holds a message; both engines write incoming and outgoing ones. */
function loggedIn(line: string): readonly Logged[] {
  const at = line.indexOf('8=FIX');
  if (at < 0) return [];
  const pairs = line
    .slice(at)
    .split('\x01')
    .flatMap((field): readonly (readonly [string, string])[] => {
      const [tag = '', ...value] = field.split('=');
      return value.length === 0 ? [] : [[tag, value.join('=')]];
    });
  const fields = new Map(pairs);
  const direction = fields.get('49') === 'UNWIND' ? 'in' : 'out';
  return [{ direction, fields }];
}
