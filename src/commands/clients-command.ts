// `unwind clients`: who may call the API, and the ways to withdraw it.

import { type Command, Option } from 'commander';
import {
  addKey,
  disableClient,
  enableClient,
  type Instruction,
  revokeClientKey,
  revokeTokens,
  rotateSecret,
  setClientContract,
  setClientScopes,
} from '../auth/change-client.ts';
import { countTokens, findClientChanges, listClients } from '../auth/clients-store.ts';
import type { Scope } from '../auth/scope.ts';
import { type Contract, contracts, findTenant } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { KeyId, TenantId } from '../ids.ts';
import type { Mode } from '../settings/config.ts';
import { recordAct } from '../trail/acts-store.ts';
import { setPackageSizeDefault } from '../webhooks/store.ts';
import { actOfCommand } from './acting.ts';
import { clientId, hours, keyId, packageSize, scopeList, scopesIn } from './arguments.ts';
import { type ByWhom, changed, changedBy, changesOf, printsJson } from './change-client-command.ts';
import { addBoundsCommands } from './client-bounds-commands.ts';
import { keyForms, readKeyFile } from './client-identity.ts';
import { addCreateClient } from './create-client-command.ts';
import { nounOf } from './nouns.ts';
import { type OnClient, type OnDatabase, printJson, runForClient, runOnDatabase } from './run.ts';
import { tableText } from './table.ts';
import { RefusedError } from './usage-error.ts';

/** Clients read and printed at once. */
const listedAtOnceMax = 500;
/** Changes of a client that are shown; the table has all of them. */
const changesShownMax = 20;
const hourMs = 3_600_000;

export function addClientCommands(program: Command): void {
  const clients = nounOf(program, 'clients');
  addCreateClient(clients);
  clients
    .command('list', { isDefault: true })
    .description('all clients: a table on a terminal, else JSON')
    .option('--json', 'one JSON document, on a terminal too')
    .action(({ json = false }: { json?: boolean }) => {
      return runOnDatabase((on) => list(on, on.stdout.isTTY === true && !json));
    });
  clients
    .command('show')
    .description('one client with its keys and the last changes of its access, as JSON')
    .argument('<client>', 'its id', clientId)
    .option('--json', printsJson)
    .action((id: TenantId) => runOnDatabase((on) => show(on, id)));
  addChanges(clients);
  addBoundsCommands(clients);
  clients
    .command('packages')
    .description('whether new webhooks of a client get events together, where they do not say')
    .argument(
      '<size>',
      'bytes of a package, 100 to 1048576, or none: one event a request',
      packageSize,
    )
    .option('--client <id>', 'whose webhooks (default: the sandbox client)', clientId)
    .option('--json', printsJson)
    .action((size: number | 'none', { client }: { client?: TenantId }) => {
      return runForClient(client, (to) => setPackages(to, size));
    });
}

function addChanges(clients: Command): void {
  const changing = changesOf(clients);
  changing(
    'disable',
    'end all access of a client within 5 seconds; it can be enabled again',
  ).action((id: TenantId, by: ByWhom) =>
    changed('disable_client', id, by, disableClient, () => ({ disabled: true })),
  );
  changing('enable', 'give a disabled client its access back').action((id: TenantId, by: ByWhom) =>
    changed('enable_client', id, by, enableClient, () => ({ disabled: false })),
  );
  changing('rotate-secret', 'give a client another secret; prints it once')
    .option('--overlap <hours>', 'how long the old one works on', hours, 24)
    .action((id: TenantId, { overlap, ...by }: ByWhom & { overlap: number }) => {
      const rotate = (sql: Sql, clock: Clock, instruction: Instruction) => {
        return rotateSecret(sql, clock, { ...instruction, overlapMs: overlap * hourMs });
      };
      return changed(
        'rotate_client_secret',
        id,
        by,
        rotate,
        ({ clientSecret, oldSecretEndsAt }) => ({
          client_secret: clientSecret,
          old_secret_ends_at: oldSecretEndsAt.toISOString(),
        }),
      );
    });
  changing('add-key', 'add a public key; the others stay')
    .requiredOption('--public-key <file>', keyForms)
    .action(async (id: TenantId, { publicKey, ...by }: ByWhom & { publicKey: string }) => {
      const read = async () => {
        const { pem: publicKeyPem } = await readKeyFile(publicKey);
        return (sql: Sql, clock: Clock, instruction: Instruction) => {
          return addKey(sql, clock, { ...instruction, publicKeyPem });
        };
      };
      return changedBy('add_client_key', id, by, read, (added) => ({ key_id: added }));
    });
  changing('revoke-key', 'take a public key out of use for good, within 5 seconds')
    .requiredOption('--key <id>', 'its id', keyId)
    .action((id: TenantId, { key, ...by }: ByWhom & { key: KeyId }) => {
      const revoke = (sql: Sql, clock: Clock, instruction: Instruction) => {
        return revokeClientKey(sql, clock, { ...instruction, keyId: key });
      };
      return changed('revoke_client_key', id, by, revoke, () => ({ revoked_key_id: key }));
    });
  changing('scopes', 'give a client exactly these scopes; its tokens lose what is withdrawn')
    .requiredOption('--set <scopes>', 'separated by spaces or commas, or "all"', scopeList)
    .action((id: TenantId, { set, ...by }: ByWhom & { set: readonly Scope[] }) => {
      const give = async (sql: Sql, clock: Clock, instruction: Instruction, mode: Mode) => {
        const scopes = scopesIn(mode, set);
        await setClientScopes(sql, clock, { ...instruction, scopes });
        return scopes;
      };
      return changed('set_client_scopes', id, by, give, (scopes) => ({ scopes }));
    });
  changing('contract', 'choose the contract that new liquidations of a client follow')
    .addOption(
      new Option('--set <profile>', '2023: the reference; 2026: the later one, with SETTLED')
        .choices(contracts)
        .makeOptionMandatory(),
    )
    .action((id: TenantId, { set: contract, ...by }: ByWhom & { set: Contract }) => {
      const choose = (sql: Sql, clock: Clock, instruction: Instruction) => {
        return setClientContract(sql, clock, { ...instruction, contract });
      };
      return changed('set_client_contract', id, by, choose, () => ({ contract }));
    });
  changing(
    'revoke-tokens',
    'end all tokens of a client within 5 seconds; it may get new ones',
  ).action((id: TenantId, by: ByWhom) =>
    changed('revoke_client_tokens', id, by, revokeTokens, (count) => ({ revoked: count })),
  );
}

interface ShownClient {
  readonly client_id: TenantId;
  readonly name: string;
  readonly created_at: string;
  readonly disabled_at: string | null;
  readonly live_keys: number;
  readonly scopes: number;
  readonly contract: string;
}

async function list({ sql, stdout }: OnDatabase, isTable: boolean): Promise<number> {
  const shown: ShownClient[] = [];
  for (let after: TenantId | undefined; ; ) {
    const page = await listClients(sql, { after, limit: listedAtOnceMax });
    for (const client of page) {
      shown.push({
        client_id: client.tenantId,
        name: client.name,
        created_at: client.createdAt.toISOString(),
        disabled_at: client.disabledAt?.toISOString() ?? null,
        live_keys: client.liveKeys,
        scopes: client.scopes,
        contract: client.contract,
      });
    }
    if (page.length < listedAtOnceMax) break;
    after = page.at(-1)?.tenantId;
  }
  if (!isTable) return printJson(stdout, shown);
  const rows = shown.map((one) => [
    one.client_id,
    one.name,
    one.created_at,
    one.disabled_at === null ? 'enabled' : `disabled ${one.disabled_at}`,
    String(one.live_keys),
    String(one.scopes),
  ]);
  stdout.write(tableText([['client', 'name', 'created', 'access', 'keys', 'scopes'], ...rows]));
  return 0;
}

async function show({ sql, clock, stdout }: OnDatabase, tenantId: TenantId): Promise<number> {
  const tenant = await findTenant(sql, tenantId);
  if (tenant === undefined) throw new RefusedError(`there is no client ${tenantId}.`);
  const now = clock.now();
  const oldSecretEndsAt = tenant.oldSecret?.endsAt;
  const overlaps = oldSecretEndsAt !== undefined && oldSecretEndsAt > now;
  const changes = await findClientChanges(sql, { tenantId, limit: changesShownMax });
  return printJson(stdout, {
    client_id: tenantId,
    name: tenant.name,
    disabled_at: tenant.disabledAt?.toISOString() ?? null,
    scopes: tenant.scopes,
    signature_policy: tenant.signaturePolicy,
    contract: tenant.contract,
    certificates: tenant.certificates.map((one) => one.toString('hex')),
    addresses: tenant.networks,
    old_secret_ends_at: overlaps ? oldSecretEndsAt.toISOString() : null,
    live_tokens: await countTokens(sql, tenantId, now),
    keys: tenant.keys.map((key) => ({
      key_id: key.keyId,
      status: key.live ? 'live' : 'revoked',
      created_at: key.createdAt.toISOString(),
    })),
    changes: changes.map(({ at, ...change }) => ({ at: at.toISOString(), ...change })),
  });
}

async function setPackages(
  { sql, clock, tenantId, stdout }: OnClient,
  size: number | 'none',
): Promise<number> {
  const bytes = size === 'none' ? undefined : size;
  const act = actOfCommand(clock.now(), {
    ...{ operation: 'set_package_size', target: `/clients/${tenantId}`, detail: String(size) },
  });
  const isKnown = await inTransaction(sql, async (tx) => {
    const isSet = await setPackageSizeDefault(tx, { tenantId, bytes });
    if (isSet) await recordAct(tx, tenantId, act);
    return isSet;
  });
  if (!isKnown) throw new RefusedError(`there is no client ${tenantId}.`);
  return printJson(stdout, { client_id: tenantId, max_package_size: bytes ?? null });
}
