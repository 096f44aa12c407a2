// `unwind start`: runs the service until a signal stops it, and shows a person where everything is.

import { join } from 'node:path';
import { styleText } from 'node:util';
import type { Logger } from 'pino';
import { sandboxFileOf } from '../sandbox/sandbox-client.ts';
import { isSimulatedLive, type Service, simulatedFillsWarning, startService } from '../service.ts';
import type { Config } from '../settings/config.ts';
import { wayIntoConsole } from '../settings/console-settings.ts';
import { packageVersion } from '../settings/package-version.ts';

/** npm repeats what the terminal has sent: a signal so soon after the first is the same one, in ms. */
const sameSignalMs = 1_000;

export interface StartCommand {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** False: the schema of the database is left as it is. */
  readonly migrates: boolean;
  readonly usesTls: boolean;
  /** One line of JSON instead of text. */
  readonly isJson?: true | undefined;
}

/**
 * Ends with 0 when everything under way has ended after SIGTERM or Ctrl-C, with 1 when the database
 * is lost for good. A second signal, or the end of the time a stop may take, ends the process at
 * once with 1: what was under way is cut off and goes on elsewhere or at the next start.
 */
export async function runStart(
  config: Config,
  log: Logger,
  { stdout, migrates, usesTls, isJson }: StartCommand,
): Promise<number> {
  const stopped = Promise.withResolvers<number>();
  const stopping = new AbortController();
  onStopSignal(config, log, () => {
    stopping.abort();
    stopped.resolve(0);
  });
  const begunAt = performance.now();
  const onLost = (error: unknown) => {
    log.error({ err: error }, 'database.lost');
    limitStop(config, log);
    stopped.resolve(1);
  };
  const { signal } = stopping;
  // What is piped may be kept, in the log of a container or of a job: no secret goes there.
  const printsLink = stdout.isTTY === true;
  const options = { log, signal, migrates, usesTls, printsLink, onLost };
  const service = await startService(config, options).catch((error) => {
    if (signal.aborted && error instanceof Error && error.name === 'AbortError') return undefined;
    throw error;
  });
  if (service === undefined) return 0;
  const startMs = Math.round(performance.now() - begunAt);
  const isSimulated = isSimulatedLive(config);
  if (isJson) {
    stdout.write(`${JSON.stringify(documentOf(config, service, startMs))}\n`);
  } else {
    stdout.write(welcome(config, service, startMs));
    if (isSimulated) stdout.write(`  ${red(simulatedFillsWarning, stdout)}\n\n`);
  }
  if (isSimulated) log.warn(simulatedFillsWarning);
  const code = await stopped.promise;
  await service.stop();
  return code;
}

/** The time a stop may take counts from the signal on, also while the service is still starting. */
function onStopSignal(config: Config, log: Logger, stop: () => void): void {
  let firstAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const now = performance.now();
      if (firstAt === undefined) {
        firstAt = now;
        log.info({ signal, stop_timeout_ms: config.stopTimeoutMs }, 'service.stopping');
        limitStop(config, log);
        stop();
      } else if (now - firstAt >= sameSignalMs) {
        log.error({ signal }, 'service.stop_cut_short');
        process.exit(1);
      }
    });
  }
}

function limitStop({ stopTimeoutMs }: Config, log: Logger): void {
  const deadline = setTimeout(() => {
    log.error({ stop_timeout_ms: stopTimeoutMs }, 'service.stop_timed_out');
    process.exit(1);
  }, stopTimeoutMs);
  deadline.unref();
}

/** On a terminal that shows colours, and where NO_COLOR does not say otherwise. */
function red(text: string, stdout: NodeJS.WritableStream): string {
  return styleText(['red', 'bold'], text, { stream: stdout });
}

function documentOf({ mode, roles }: Config, { url }: Service, startMs: number): object {
  return {
    url,
    mode,
    roles: [...roles],
    version: packageVersion,
    pid: process.pid,
    start_ms: startMs,
  };
}

/** How a person calls the command: in the repository through npm, else as it was installed. */
const [command, book] = import.meta.filename.endsWith('.ts')
  ? ['npm run -s unwind --', 'examples/book']
  : ['npx unwind', 'node_modules/unwind/examples/book'];

/** An account of the example book, and whose it is. */
const example = {
  account: '143d980c-b742-4448-aa4a-78893d650617',
  user: '3e6ee6f7-c1a3-490f-9629-8f5863e1ae0e',
};

function welcome(config: Config, service: Service, startMs: number): string {
  const [role, other] = config.roles;
  const does = other === undefined ? [`only ${role}`] : [];
  const facts = [config.mode, ...does, `ready in ${startMs} ms`].join(', ');
  const database =
    config.database.url === undefined ? join(config.home, 'pg18') : 'of DATABASE_URL';
  const places = [
    ...consoleOf(config, service),
    ...(config.roles.has('api') ? [['API, to read', `${service.url}/docs`]] : []),
    ['Health', `${service.url}/readyz`],
    ['Database', database],
  ];
  const { sandbox } = service;
  if (sandbox !== undefined) {
    const { base_url: named } = sandbox;
    const elsewhere = named === service.url ? '' : ` (commands go to ${named}, which answers too)`;
    places.push(['Sandbox client', `${sandboxFileOf(config.home)}${elsewhere}`]);
  }
  if (service.caFile !== undefined) places.push(['CA to trust', service.caFile]);
  const lines = [
    '',
    `  Unwind ${packageVersion} listens at ${service.url} (${facts})`,
    '',
    ...places.map(([name = '', place]) => `  ${name.padEnd(16)}${place}`),
    ...(service.caFile === undefined ? [] : ['', ...howToTrust(service.url, service.caFile)]),
    ...(sandbox === undefined ? [] : ['', ...nextCommands()]),
  ];
  return `${lines.join('\n')}\n\n`;
}

function consoleOf(config: Config, { url, consoleLink }: Service): readonly string[][] {
  if (consoleLink !== undefined) return [['Console', `${consoleLink} (once, within 10 minutes)`]];
  if (!config.roles.has('api')) return [];
  const ways = {
    link: `${url}/console (sign in with a link: ${command} console)`,
    openid: `${config.console.url}/console (sign in with your organisation)`,
    none: `${url}/console (nobody can sign in: UNWIND_OPENID_ISSUER names no provider)`,
  };
  return [['Console', ways[wayIntoConsole(config)]]];
}

/** The commands below trust the authority by themselves; any other caller has to be given it. */
function howToTrust(url: string, caFile: string): readonly string[] {
  return [
    '  Its certificate is of an authority made for this sandbox. Other programs trust it like this:',
    `    curl --cacert ${caFile} ${url}/readyz`,
    `    NODE_EXTRA_CA_CERTS=${caFile} node client.js     (Python: SSL_CERT_FILE, Go: SSL_CERT_FILE)`,
  ];
}

function nextCommands(): readonly string[] {
  const body = JSON.stringify({ user_id: example.user });
  return [
    '  Now, in another terminal:',
    `    ${command} listen`,
    '  and in a third, import a book, sell an account of it, then check it all:',
    `    ${command} import ${book}`,
    `    ${command} request POST /accounts/${example.account}/liquidations --data '${body}'`,
    `    ${command} audit`,
  ];
}
