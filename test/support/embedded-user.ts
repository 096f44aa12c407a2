// A process that uses the built-in database, as a service or a command would: it starts or joins
// it, says so in one line of JSON, and leaves on a line of input, end of input, or SIGINT.
//
//   node test/support/embedded-user.ts '{"home": "…", …}'
import { once } from 'node:events';
import { type EmbeddedOptions, startEmbedded } from '../../src/embedded/embedded.ts';
import { EmbeddedError } from '../../src/embedded/embedded-error.ts';

const options: Omit<EmbeddedOptions, 'log' | 'onLost'> = JSON.parse(process.argv[2] ?? '{}');

const say = (fields: object) => process.stdout.write(`${JSON.stringify(fields)}\n`);
const tell = (fields: object, message: string) => say({ message, ...fields });

try {
  const database = await startEmbedded({
    ...options,
    log: { info: tell, warn: tell, error: tell },
    onLost: () => say({ lost: true }),
  });
  say({ url: database.url });
  await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end'), interrupt()]);
  await database.stop();
  say({ left: true });
} catch (error) {
  say({ error: error instanceof EmbeddedError ? error.code : String(error) });
}
process.stdin.destroy();

function interrupt(): Promise<unknown> {
  return once(process, 'SIGINT');
}
