// `unwind sandbox reset`: empties a sandbox, so that the example book can be sold again.

import type { Command } from 'commander';
import { DatabaseClock } from '../db/database-clock.ts';
import { resetSandbox } from '../sandbox/reset.ts';
import { withDatabase } from '../settings/database.ts';
import { openKeyFile } from '../settings/key-file.ts';
import { actOfCommand } from './acting.ts';
import { nounOf } from './nouns.ts';
import { type Output, outputTo, run } from './run.ts';

export function addSandboxCommands(program: Command): void {
  nounOf(program, 'sandbox')
    .command('reset')
    .description('remove its book, liquidations, events, webhooks and other clients')
    .action(() => runReset(outputTo(process.stdout)));
}

function runReset(stdout: Output): Promise<void> {
  return run(async (config, log) => {
    const seal = await openKeyFile(config);
    await withDatabase(config, log, async (sql) => {
      await resetSandbox(sql, await DatabaseClock.read(sql, { log }), {
        ...{ ...config, seal },
        actOf: (now, detail) => {
          return actOfCommand(now, { operation: 'reset_sandbox', target: '/sandbox', detail });
        },
      });
    });
    stdout.write('The sandbox is empty. Its own client works as before; other clients are gone.\n');
    stdout.write(
      'The trail begins a new chain: what was signed of the old one cannot be verified here.\n',
    );
    stdout.write('Next: unwind start, and unwind import with a book.\n');
    return 0;
  });
}
