// What an operator changes of a client's access. Each change and its record (who, when, why) are one
// commit; every process follows within 5 s, since none keeps what it has read of a client for longer
// (authenticate.ts).

import { parsePublicKey } from '@unwind/signatures';
import { type Clock, later } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { type KeyId, newId, type TenantId } from '../ids.ts';
import type { Act } from '../trail/act.ts';
import { withMore } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import {
  type ClientChange,
  deleteTokensBoundTo,
  deleteTokensOf,
  insertClientChange,
  lockClient,
  replaceSecret,
  revokeKey,
  setCertificates,
  setContract,
  setDisabled,
  setNetworks,
  setScopes,
} from './clients-store.ts';
import type { Scope } from './scope.ts';
import { newSecret, sha256 } from './secret.ts';
import { type Contract, findTenant, insertClientKey, type TenantWithKeys } from './store.ts';

/** Live keys of one client: each is read with the client, and every signature may name any of them. */
export const liveKeysMax = 20;

/** Whose access is changed, by whom and why. */
export interface Instruction {
  readonly tenantId: TenantId;
  readonly actor: string;
  readonly reason: string;
  /** For the trail. */
  readonly act?: Act | undefined;
}

/** What was asked for cannot be done; nothing was changed. */
export class ClientChangeError extends Error {
  override readonly name = 'ClientChangeError';
}

/** Ends all access of a client, its tokens too. Liquidations and deliveries under way go on. */
export function disableClient(sql: Sql, clock: Clock, instruction: Instruction): Promise<void> {
  return change(sql, clock, instruction, async (tx, _tenant, now) => {
    if (!(await setDisabled(tx, { ...instruction, disabledAt: now }))) {
      throw new ClientChangeError('the client is disabled already.');
    }
    const tokens = await deleteTokensOf(tx, instruction.tenantId);
    return { change: 'disabled', detail: countOf(tokens, 'token'), result: undefined };
  });
}

/** Gives a client its access back; it has to ask for tokens anew. */
export function enableClient(sql: Sql, clock: Clock, instruction: Instruction): Promise<void> {
  return change(sql, clock, instruction, async (tx) => {
    if (!(await setDisabled(tx, { ...instruction, disabledAt: undefined }))) {
      throw new ClientChangeError('the client is not disabled.');
    }
    return { change: 'enabled', detail: '', result: undefined };
  });
}

export interface RotatedSecret {
  /** Shown here and never again. */
  readonly clientSecret: string;
  /** Until when the secret before it works, and the tokens that were issued for it. */
  readonly oldSecretEndsAt: Date;
}

/** Replaces the secret of a client. Of several rotations, the last two secrets work at most. */
export function rotateSecret(
  sql: Sql,
  clock: Clock,
  instruction: Instruction & { readonly overlapMs: number },
): Promise<RotatedSecret> {
  return change(sql, clock, instruction, async (tx, _tenant, now) => {
    const clientSecret = newSecret();
    const oldSecretEndsAt = later(now, instruction.overlapMs);
    const { tenantId } = instruction;
    await replaceSecret(tx, { tenantId, secretHash: sha256(clientSecret), oldSecretEndsAt });
    const detail = `the old one works until ${oldSecretEndsAt.toISOString()}`;
    return { change: 'secret_rotated', detail, result: { clientSecret, oldSecretEndsAt } };
  });
}

/** Adds a public key (PEM). @throws UnusableKeyError for a key that cannot verify. */
export async function addKey(
  sql: Sql,
  clock: Clock,
  instruction: Instruction & { readonly publicKeyPem: string },
): Promise<KeyId> {
  const { tenantId, publicKeyPem } = instruction;
  parsePublicKey(publicKeyPem);
  return change(sql, clock, instruction, async (tx, tenant, now) => {
    if (tenant.keys.filter((key) => key.live).length >= liveKeysMax) {
      throw new ClientChangeError(`the client has ${liveKeysMax} live keys: revoke one first.`);
    }
    const keyId = newId<'key'>();
    await insertClientKey(tx, { tenantId, keyId, publicKeyPem, now });
    return { change: 'key_added', detail: keyId, result: keyId };
  });
}

/** Takes a key out of use for good. */
export function revokeClientKey(
  sql: Sql,
  clock: Clock,
  instruction: Instruction & { readonly keyId: KeyId },
): Promise<void> {
  return change(sql, clock, instruction, async (tx) => {
    if (!(await revokeKey(tx, instruction))) {
      throw new ClientChangeError(`the client has no live key ${instruction.keyId}.`);
    }
    return { change: 'key_revoked', detail: instruction.keyId, result: undefined };
  });
}

/** Gives a client exactly these scopes; its tokens lose at once what is withdrawn, and gain nothing. */
export function setClientScopes(
  sql: Sql,
  clock: Clock,
  instruction: Instruction & { readonly scopes: readonly Scope[] },
): Promise<void> {
  return change(sql, clock, instruction, async (tx, tenant) => {
    await setScopes(tx, instruction);
    const added = instruction.scopes.filter((scope) => !tenant.scopes.includes(scope));
    const withdrawn = tenant.scopes.filter((scope) => !instruction.scopes.includes(scope));
    const parts = [...added.map((scope) => `+${scope}`), ...withdrawn.map((scope) => `-${scope}`)];
    return { change: 'scopes_set', detail: parts.join(' '), result: undefined };
  });
}

/**
 * Chooses the contract that liquidations of a client are created under from then on; those that are there
 * keep theirs.
 */
export function setClientContract(
  sql: Sql,
  clock: Clock,
  instruction: Instruction & { readonly contract: Contract },
): Promise<void> {
  return change(sql, clock, instruction, async (tx, tenant) => {
    if (!(await setContract(tx, instruction))) {
      throw new ClientChangeError(`the client has the contract ${tenant.contract} already.`);
    }
    const detail = `${tenant.contract} to ${instruction.contract}`;
    return { change: 'contract_set', detail, result: undefined };
  });
}

/** Certificates of one client at once: two for each of its machines while they are replaced. */
export const certificatesMax = 10;

/** Addresses and networks that one client may call from. */
export const networksMax = 50;

/** SHA-256 of certificates. */
export interface CertificateChange {
  readonly add: readonly Buffer[];
  /** `all`: the client needs none any more. */
  readonly remove: readonly Buffer[] | 'all';
}

/**
 * Changes the certificates that a client has to call with. With one that is removed end the tokens bound to it, with
 * the first one those that are bound to none. @returns those it has then.
 */
export function changeCertificates(
  sql: Sql,
  clock: Clock,
  instruction: Instruction & CertificateChange,
): Promise<readonly Buffer[]> {
  return change(sql, clock, instruction, async (tx, tenant) => {
    const { tenantId } = instruction;
    const add = instruction.add.filter((one, at, all) => !isAmong(all.slice(0, at), one));
    const remove = instruction.remove === 'all' ? tenant.certificates : instruction.remove;
    const missing = remove.find((one) => !isAmong(tenant.certificates, one));
    if (missing !== undefined) {
      throw new ClientChangeError(`the client has no certificate ${missing.toString('hex')}.`);
    }
    const known = add.find((one) => isAmong(tenant.certificates, one));
    if (known !== undefined) {
      const hex = known.toString('hex');
      throw new ClientChangeError(`the client has the certificate ${hex} already.`);
    }
    const certificates = [...tenant.certificates.filter((one) => !isAmong(remove, one)), ...add];
    if (certificates.length > certificatesMax) {
      throw new ClientChangeError(
        `a client has ${certificatesMax} certificates: remove one first.`,
      );
    }
    if (add.length + remove.length === 0) {
      throw new ClientChangeError('the client has no certificate.');
    }
    if (certificates.length === 0 && instruction.remove !== 'all') {
      throw new ClientChangeError(
        'this is its last certificate, and without any it would be let in without: ' +
          'add another one, disable the client, or say --clear.',
      );
    }
    await setCertificates(tx, { tenantId, certificates });
    await deleteTokensBoundTo(tx, { tenantId, certificates: remove });
    const added = add.map((one) => `+${one.toString('hex')}`);
    const removed = remove.map((one) => `-${one.toString('hex')}`);
    const detail = [...added, ...removed].join(' ');
    return { change: 'certificates_changed', detail, result: certificates };
  });
}

function isAmong(certificates: readonly Buffer[], one: Buffer): boolean {
  return certificates.some((other) => other.equals(one));
}

/** Lets a client call from these addresses and networks alone; none: from anywhere. */
export function setClientNetworks(
  sql: Sql,
  clock: Clock,
  instruction: Instruction & { readonly networks: readonly string[] },
): Promise<void> {
  return change(sql, clock, instruction, async (tx) => {
    const { networks } = instruction;
    if (networks.length > networksMax) {
      throw new ClientChangeError(`a client has ${networksMax} addresses and networks at most.`);
    }
    await setNetworks(tx, instruction);
    const detail = networks.length === 0 ? 'any' : networks.join(',');
    return { change: 'addresses_set', detail, result: undefined };
  });
}

/** Ends all tokens of a client; it may ask for new ones. @returns how many there were. */
export function revokeTokens(sql: Sql, clock: Clock, instruction: Instruction): Promise<number> {
  return change(sql, clock, instruction, async (tx) => {
    const tokens = await deleteTokensOf(tx, instruction.tenantId);
    return { change: 'tokens_revoked', detail: countOf(tokens, 'token'), result: tokens };
  });
}

interface Changed<Result> {
  readonly change: ClientChange;
  readonly detail: string;
  readonly result: Result;
}

/** @throws ClientChangeError */
function change<Result>(
  sql: Sql,
  clock: Clock,
  { tenantId, actor, reason, act }: Instruction,
  work: (tx: Tx, tenant: TenantWithKeys, now: Date) => Promise<Changed<Result>>,
): Promise<Result> {
  return inTransaction(sql, async (tx) => {
    await lockClient(tx, tenantId);
    const tenant = await findTenant(tx, tenantId);
    if (tenant === undefined) throw new ClientChangeError(`there is no client ${tenantId}.`);
    const at = clock.now();
    const { result, ...made } = await work(tx, tenant, at);
    await insertClientChange(tx, { tenantId, changeId: newId(), at, actor, reason, ...made });
    const { detail } = made;
    await recordAct(tx, tenantId, act && withMore(act, detail === '' ? {} : { detail }));
    return result;
  });
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
