// `unwind clients create`: makes an API client. What it has already (id, secret, ids of keys) is taken as
// it is, so that a client of another service comes here with a change of the base URL.

import { type Command, Option } from 'commander';
import { createClient } from '../auth/create-client.ts';
import type { Scope } from '../auth/scope.ts';
import { type Contract, contracts, type SignaturePolicy } from '../auth/store.ts';
import type { TenantId } from '../ids.ts';
import { openKeyFile, refuseOtherKeyFile } from '../settings/key-file.ts';
import { actOfCommand } from './acting.ts';
import { clientId, displayName, each, keyId, scopeList, scopesIn } from './arguments.ts';
import { type IdentityOptions, keyForms, readIdentity } from './client-identity.ts';
import { onMigrated } from './on-database.ts';
import { printJson, run } from './run.ts';

interface CreateOptions extends IdentityOptions {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly signaturePolicy: SignaturePolicy;
  readonly contract?: Contract;
}

export function addCreateClient(clients: Command): void {
  clients
    .command('create')
    .description('make an API client, or register one that has an identity already')
    .requiredOption('--name <name>', 'what it is called', displayName)
    .requiredOption('--scopes <scopes>', 'separated by spaces or commas, or "all"', scopeList)
    .requiredOption('--public-key <file>', `${keyForms}; again for each further key`, each(String))
    .option('--key-id <id>', 'of each public key in turn (default: new ones)', each(keyId))
    .option('--client-id <id>', 'its id (default: a new one)', clientId)
    .option(
      '--client-secret-file <file>',
      'a file with its secret (default: a new one, printed once)',
    )
    .addOption(
      new Option('--signature-policy <policy>', 'strict also demands client id and key covered')
        .choices(['strict', 'compatible'])
        .default('compatible'),
    )
    .addOption(
      new Option(
        '--contract <profile>',
        'what its liquidations follow (default: UNWIND_CONTRACT)',
      ).choices(contracts),
    )
    .option('--json', 'one JSON document, which it prints anyway')
    .action((options: CreateOptions) => runCreate(options));
}

/** @throws UsageError when a file holds no key or secret that can be used. */
function runCreate(options: CreateOptions): Promise<void> {
  return run(async (config, log) => {
    const { name, signaturePolicy, clientSecretFile, publicKey: files } = options;
    const { contract = config.contract } = options;
    const { brought, keys } = await readIdentity(options);
    const seal = await openKeyFile(config);
    const scopes = scopesIn(config.mode, options.scopes);
    return onMigrated(config, log, async ({ sql, clock, stdout }) => {
      await refuseOtherKeyFile(sql, config, seal);
      const publicKeysPem = keys.map(({ pem }) => pem);
      const client = { name, signaturePolicy, contract, scopes, publicKeysPem };
      const actOf = (tenantId: TenantId) => {
        return actOfCommand(clock.now(), {
          ...{ operation: 'create_client', target: `/clients/${tenantId}` },
          detail: JSON.stringify({ name, signature_policy: signaturePolicy, contract, scopes }),
        });
      };
      const { keyIds, ...created } = await createClient(
        ...([sql, clock, seal, client, brought, actOf] as const),
      );
      return printJson(stdout, {
        client_id: created.clientId,
        ...(clientSecretFile === undefined ? { client_secret: created.clientSecret } : {}),
        key_id: keyIds[0],
        keys: keys.map(({ algorithm }, i) => ({ key_id: keyIds[i], algorithm, file: files[i] })),
      });
    });
  });
}
