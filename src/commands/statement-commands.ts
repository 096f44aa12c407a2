// `unwind statements`: writes the signed statement of a liquidation, verifies one without the service, and lists
// the public keys that have signed. What each needs is loaded when it runs.

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { LiquidationId, TenantId } from '../ids.ts';
import { clientId, liquidationId } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { outputTo, run, runForReaderOf } from './run.ts';

interface OfClient {
  readonly client?: TenantId;
}

export function addStatementCommands(program: Command): void {
  const statements = nounOf(program, 'statements');
  statements
    .command('write')
    .description(
      'write every execution of a liquidation that has ended, and the sums, signed (JWS)',
    )
    .argument('<liquidation>', 'its id', liquidationId)
    .option('--client <id>', 'whose it is (default: the sandbox client)', clientId)
    .option('--to <file>', 'a new file (default: standard output)')
    .action((id: LiquidationId, { client, to: file }: OfClient & { to?: string }) => {
      return runForReaderOf(client, async (on, config) => {
        const { openSeal, runWriteStatement } = await import('./write-statement-command.ts');
        const seal = await openSeal(on.sql, config);
        return runWriteStatement({ ...on, seal }, id, file);
      });
    });
  statements
    .command('verify')
    .description('verify a statement, without the service; exits 1 where something is wrong')
    .argument('<file>', 'as it was written')
    .option('--key <file>', 'public keys that you trust: PEM, JWK or JWK set')
    .option('--thumbprint <text>', 'the thumbprint (RFC 7638) of a key that you trust', thumbprint)
    .option('--json', 'one JSON document instead of text')
    .action((file: string, options: { key?: string; thumbprint?: string; json?: boolean }) => {
      const stdout = outputTo(process.stdout);
      return run(async () => {
        const { runVerifyStatement } = await import('./verify-statement-command.ts');
        return runVerifyStatement({ file, ...options, stdout });
      });
    });
  statements
    .command('keys')
    .description(
      'the public keys that have signed statements, also those that are replaced (JWK set)',
    )
    .option('--client <id>', 'whose they are (default: the sandbox client)', clientId)
    .option('--json', 'one JSON document, which it prints anyway')
    .action(({ client }: OfClient) => {
      return runForReaderOf(client, async (on) => {
        const { runStatementKeys } = await import('./write-statement-command.ts');
        return runStatementKeys(on);
      });
    });
}

function thumbprint(text: string): string {
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) return text;
  throw new InvalidArgumentError(
    'It is no SHA-256 thumbprint of a key: 43 characters of base64url.',
  );
}
