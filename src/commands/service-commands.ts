// `unwind start`, `migrate`, `console` and `version`: the service itself.

import type { Command } from 'commander';
import type { Config } from '../settings/config.ts';
import { packageVersion } from '../settings/package-version.ts';
import { roleList } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { outputTo, printJson, run, runOnDatabase } from './run.ts';

interface StartArguments extends Partial<Pick<Config, 'roles'>> {
  readonly migrate: boolean;
  readonly tls?: boolean;
  readonly json?: true;
}

export function addServiceCommands(program: Command): void {
  nounOf(program, 'start')
    .option('--roles <list>', 'api, worker, or both: api,worker (default: UNWIND_ROLES)', roleList)
    .option(
      '--no-migrate',
      'leave the schema of the database as it is; refuse one that does not fit',
    )
    .option('--tls', 'a sandbox speaks TLS, by a certificate that it makes itself')
    .option('--json', 'one line of JSON once it listens, instead of text')
    .action(
      ({ migrate: migrates, tls: usesTls = false, json: isJson, ...roles }: StartArguments) => {
        const { stdout } = process;
        return run(async (config, log) => {
          const { runStart } = await import('./start-command.ts');
          return runStart({ ...config, ...roles }, log, { stdout, migrates, usesTls, isJson });
        }, 'info');
      },
    );
  nounOf(program, 'migrate').action(() => {
    return run(async (config, log) => {
      const { runMigrate } = await import('./migrate-command.ts');
      return runMigrate(config, log, outputTo(process.stdout));
    });
  });
  nounOf(program, 'console').action(() => {
    return runOnDatabase(async (on, config) => {
      const { runConsole } = await import('./console-command.ts');
      return runConsole(on, config);
    });
  });
  nounOf(program, 'version')
    .option('--json', 'one JSON document instead of text')
    .action(({ json }: { json?: true }) => {
      const stdout = outputTo(process.stdout);
      const found = { unwind: packageVersion, node: process.version, platform: platformName };
      if (json) printJson(stdout, found);
      else stdout.write(`unwind ${packageVersion}, Node ${process.version}, ${platformName}\n`);
    });
}

const platformName = `${process.platform} ${process.arch}`;
