// `unwind start`: runs the service until it is told to stop, and tells a person what to do next.

import type { Logger } from 'pino';
import { sandboxFileOf } from '../sandbox/sandbox-client.ts';
import { type Service, startService } from '../service.ts';
import type { Config } from '../settings/config.ts';

/** npm repeats what the terminal has sent: a signal so soon after the first is the same one, in ms. */
const sameSignalMs = 1_000;

/**
 * Ends with 0 when everything under way has ended after SIGTERM or Ctrl-C, with 1 when the database
 * is lost for good. A second signal, or the end of the time a stop may take, ends the process at
 * once with 1: what was under way is cut off and goes on elsewhere or at the next start.
 */
export async function runStart(
  config: Config,
  log: Logger,
  stdout: NodeJS.WritableStream,
): Promise<number> {
  const stopped = Promise.withResolvers<number>();
  onStopSignal(config, log, () => stopped.resolve(0));
  const begunAt = performance.now();
  const service = await startService(config, log, (error) => {
    log.error({ err: error }, 'database.lost');
    limitStop(config, log);
    stopped.resolve(1);
  });
  stdout.write(welcome(config, service, performance.now() - begunAt));
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

/** How a person calls the command: in the repository through npm, else as it was installed. */
const [command, book] = import.meta.filename.endsWith('.ts')
  ? ['npm run -s unwind --', 'examples/book']
  : ['npx unwind', 'node_modules/unwind/examples/book'];

function welcome(config: Config, service: Service, startMs: number): string {
  const [role, other] = config.roles;
  const does = other === undefined ? [`only ${role}`] : [];
  const facts = [config.mode, ...does, `ready in ${Math.round(startMs)} ms`].join(', ');
  const lines = ['', `  Unwind listens at ${service.url} (${facts})`];
  if (service.sandbox !== undefined) {
    const { base_url: named } = service.sandbox;
    const elsewhere = named === service.url ? '' : ` (commands go to ${named}, which answers too)`;
    lines.push(
      `  Its API, to read: ${service.url}/docs`,
      `  Sandbox client:   ${sandboxFileOf(config.home)}${elsewhere}`,
      `  First request:    ${command} request GET /webhooks`,
      `  A book to sell:   ${command} import ${book}`,
      `  Webhooks, live:   ${command} listen`,
    );
  }
  return `${lines.join('\n')}\n\n`;
}
