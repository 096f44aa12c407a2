// `unwind report`, `top`, `doctor` and `audit`: how the whole goes. They only read.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { clientId, instant } from './arguments.ts';
import { nounOf } from './nouns.ts';
import type { ReportOptions } from './report-command.ts';
import { outputTo, run, runOnDatabase } from './run.ts';
import type { TopOptions } from './top-command.ts';

export function addLookingCommands(program: Command): void {
  addAudit(program);
  nounOf(program, 'top')
    .option('--every <seconds>', 'how often it looks', seconds, 2)
    .option('--once', 'print it once, as it does where there is no terminal')
    .option('--json', 'one JSON document, once')
    .action((options: TopOptions) => {
      return runOnDatabase(async (on) => {
        const { runTop } = await import('./top-command.ts');
        return runTop(on, options);
      });
    });
  nounOf(program, 'report')
    .addOption(new Option('--today', 'since midnight UTC, which is the default').conflicts('since'))
    .option('--since <time>', 'since then instead: RFC 3339', instant)
    .option('--client <id>', 'of this client (default: of all, each in a line)', clientId)
    .option('--json', 'one JSON document instead of text')
    .action((options: ReportOptions) => {
      return runOnDatabase(async (on) => {
        const { runReport } = await import('./report-command.ts');
        return runReport(on, options);
      });
    });
  nounOf(program, 'doctor')
    .option('--json', 'one JSON document instead of text')
    .action(({ json }: { json?: true }) => {
      return run(async (config, log) => {
        const { runDoctor } = await import('./doctor-command.ts');
        return runDoctor(config, log, { stdout: outputTo(process.stdout), json });
      });
    });
}

function addAudit(program: Command): void {
  nounOf(program, 'audit')
    .option('--json', 'one JSON document instead of a report')
    .action(({ json = false }: { json?: boolean }) => {
      return runOnDatabase(async ({ sql, stdout }) => {
        const { runAuditCommand } = await import('./audit-command.ts');
        const terminal = process.stderr.isTTY === true ? process.stderr : undefined;
        return runAuditCommand({ sql, json, stdout, terminal });
      });
    });
}

function seconds(text: string): number {
  const value = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (value >= 1) return value;
  throw new InvalidArgumentError('It is no whole number of seconds from 1 to 999.');
}
