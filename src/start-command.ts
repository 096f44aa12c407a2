// `unwind start`: runs the service until it is told to stop, and tells a person what to do next.

import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { sandboxFileOf } from './sandbox.ts';
import { type Service, startService } from './service.ts';

/** How long a stop may take before the process ends anyway, in ms; nothing is lost by that. */
const stopMsMax = 20_000;

/** Ends with 0 after SIGTERM or Ctrl-C, with 1 when the database is lost for good. */
export async function runStart(
  config: Config,
  log: Logger,
  stdout: NodeJS.WritableStream,
): Promise<number> {
  const stopped = Promise.withResolvers<number>();
  // Not once: Ctrl-C reaches us from the terminal and again from npm, and by default the second one
  // would end the process in the middle of its stop.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stopped.resolve(0));
  }
  const begunAt = performance.now();
  const service = await startService(config, log, (error) => {
    log.error({ err: error }, 'database.lost');
    stopped.resolve(1);
  });
  stdout.write(welcome(config, service, performance.now() - begunAt));
  const code = await stopped.promise;
  const deadline = setTimeout(() => {
    log.error({ stop_ms_max: stopMsMax }, 'service.stop_timed_out');
    process.exit(1);
  }, stopMsMax);
  await service.stop();
  clearTimeout(deadline);
  return code;
}

function welcome(config: Config, service: Service, startMs: number): string {
  const lines = [
    '',
    `  Unwind listens at ${service.url} (${config.mode}, ready in ${Math.round(startMs)} ms)`,
  ];
  if (service.sandbox !== undefined) {
    lines.push(
      `  Sandbox client:   ${sandboxFileOf(config.home)}`,
      '  First request:    npm run -s unwind -- request GET /webhooks',
      '  A book to sell:   npm run -s unwind -- import examples/book',
    );
  }
  return `${lines.join('\n')}\n\n`;
}
