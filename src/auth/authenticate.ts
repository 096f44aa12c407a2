// Says who is calling and that the message is theirs, unchanged and fresh. The checks stand in the
// order of their cost: nothing reaches the mathematics that a look-up could have refused.

import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { type KeyId, parseId, type TenantId } from '../ids.ts';
import { verificationsQueuedMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import {
  type CheckedSignatures,
  COMPATIBLE,
  COMPATIBLE_TOKEN,
  checkSignatures,
  entrancesOf,
  type HeaderRules,
  STRICT,
} from '../signatures/check.ts';
import { parsePublicKey, type VerificationKey } from '../signatures/keys.ts';
import { MAX_AGE_S, MAX_AHEAD_S } from '../signatures/limits.ts';
import type { SignedMessage } from '../signatures/message.ts';
import { type ParsedSignatures, parseSignatures } from '../signatures/parse.ts';
import { type VerifiedSignature, verifySignatures } from '../signatures/verify.ts';
import type { Scope } from './scope.ts';
import { isSecret, sha256 } from './secret.ts';
import type { SignatureUse } from './signature-use.ts';
import { type AccessToken, findTenant, findToken, type Tenant } from './store.ts';

/** How long a process may go on using a token or a key after it was revoked elsewhere, in ms. */
const cacheMs = 5_000;
const cachedTokensMax = 20_000;
const cachedTenantsMax = 2_000;
/** Signature bases remembered by this process, for as long as their signatures can live. */
const rememberedBasesMax = 200_000;

export interface Caller {
  readonly tenantId: TenantId;
  readonly scopes: readonly Scope[];
  readonly signature: SignatureUse;
}

type KnownTenant = Tenant & { readonly verificationKeys: ReadonlyMap<string, VerificationKey> };

/** What a client that asks for a token says of itself. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Authenticates requests. One for a process: it remembers tokens, keys and used signatures. */
export class Authenticator {
  readonly #sql: Sql;
  readonly #clock: Clock;
  readonly #tokens: LRUCache<string, AccessToken>;
  readonly #tenants: LRUCache<TenantId, KnownTenant>;
  readonly #usedBases: LRUCache<string, true>;
  #verifying = 0;
  #verified = 0;

  constructor(sql: Sql, clock: Clock) {
    this.#sql = sql;
    this.#clock = clock;
    this.#tokens = new LRUCache({ max: cachedTokensMax, ttl: cacheMs });
    this.#tenants = new LRUCache({ max: cachedTenantsMax, ttl: cacheMs });
    const lifeMs = (MAX_AGE_S + MAX_AHEAD_S) * 1_000;
    this.#usedBases = new LRUCache({ max: rememberedBasesMax, ttl: lifeMs });
  }

  /** How often the mathematics of a signature were done. */
  get verifications(): number {
    return this.#verified;
  }

  /**
   * Authenticates a request that carries a token.
   * @throws Refusal `bad_request` (no client id), `unauthorized`, `service_unavailable`.
   * @throws SignatureError when the signature is refused.
   */
  async authenticate(
    message: SignedMessage,
    claim: { clientId: string; token: string },
  ): Promise<Caller> {
    const parsed = parseSignatures(message);
    const tenantId = parseId<'tenant'>(claim.clientId);
    const token = tenantId && (await this.#token(tenantId, claim.token));
    if (token === undefined || token.expiresAt <= this.#clock.now()) {
      throw new Refusal('unauthorized', 'The access token is not known or has expired.');
    }
    const tenant = await this.#tenant(token.tenantId);
    if (tenant === undefined) throw new Refusal('unauthorized', 'The client is not known.');
    const rules = tenant.signaturePolicy === 'strict' ? STRICT : COMPATIBLE;
    const signature = await this.#verify(parsed, tenant, rules);
    return { tenantId: tenant.tenantId, scopes: token.scopes, signature };
  }

  /**
   * Authenticates a request for a token by the client's secret and signature.
   * @throws Refusal `unauthorized`, not telling a wrong client from a wrong secret or key.
   * @throws SignatureError when the signature is refused.
   */
  async authenticateClient(message: SignedMessage, claim: Credentials): Promise<Caller> {
    const parsed = parseSignatures(message);
    const tenantId = parseId<'tenant'>(claim.clientId);
    const tenant = tenantId && (await this.#tenant(tenantId));
    const isKnown = isSecret(claim.clientSecret, tenant?.secretHash);
    const hasKey = tenant !== undefined && hasOwnSignature(parsed, tenant);
    if (tenant === undefined || !isKnown || !hasKey) {
      throw new Refusal('unauthorized', 'The client, its secret or its key is not known.');
    }
    const rules = tenant.signaturePolicy === 'strict' ? STRICT : COMPATIBLE_TOKEN;
    const signature = await this.#verify(parsed, tenant, rules);
    return { tenantId: tenant.tenantId, scopes: tenant.scopes, signature };
  }

  async #token(tenantId: TenantId, text: string): Promise<AccessToken | undefined> {
    const tokenHash = sha256(text);
    const key = `${tenantId}/${tokenHash.toString('base64')}`;
    const cached = this.#tokens.get(key);
    if (cached !== undefined) return cached;
    const token = await findToken(this.#sql, { tenantId, tokenHash });
    if (token !== undefined) this.#tokens.set(key, token);
    return token;
  }

  async #tenant(tenantId: TenantId): Promise<KnownTenant | undefined> {
    const cached = this.#tenants.get(tenantId);
    if (cached !== undefined) return cached;
    const found = await findTenant(this.#sql, tenantId);
    if (found === undefined) return undefined;
    const verificationKeys = new Map<string, VerificationKey>(
      found.keys.map(
        ({ keyId, publicKeyPem, live }: { keyId: KeyId; publicKeyPem: string; live: boolean }) => {
          return [keyId, { ...parsePublicKey(publicKeyPem), clientId: tenantId, live }];
        },
      ),
    );
    const tenant = { ...found, verificationKeys };
    this.#tenants.set(tenantId, tenant);
    return tenant;
  }

  async #verify(
    parsed: ParsedSignatures,
    tenant: KnownTenant,
    rules: HeaderRules,
  ): Promise<SignatureUse> {
    const check = {
      parsed,
      rules,
      clientId: tenant.tenantId,
      keys: (keyid: string) => tenant.verificationKeys.get(keyid),
      now: Math.floor(this.#clock.now().getTime() / 1_000),
      isReplay: (baseSha256: string) => this.#usedBases.has(`${tenant.tenantId}/${baseSha256}`),
    };
    const checked = checkSignatures(check);
    // Of a message's signatures one counts, and all of them are used up by it, verified or not: none
    // brings it in once more.
    const entrances = entrancesOf(check, checked);
    await this.#doMathematics(checked);
    const bases = [...new Set(entrances.map((one) => one.baseSha256))].sort();
    this.#remember(tenant.tenantId, bases);
    const created = Math.max(...entrances.map((one) => one.created));
    return {
      basesSha256: bases.map((base) => Buffer.from(base, 'hex')),
      expiresAt: new Date((created + MAX_AGE_S + MAX_AHEAD_S) * 1_000),
    };
  }

  async #doMathematics(checked: CheckedSignatures): Promise<VerifiedSignature> {
    if (this.#verifying >= verificationsQueuedMax) {
      const headers = { 'retry-after': '1' };
      throw new Refusal('service_unavailable', 'Too many signatures are waiting to be verified.', {
        headers,
      });
    }
    this.#verifying += 1;
    this.#verified += 1;
    try {
      return await verifySignatures(checked);
    } finally {
      this.#verifying -= 1;
    }
  }

  /** Two copies of one request may be verified at the same time: only the first one passes here. */
  #remember(tenantId: TenantId, bases: readonly string[]): void {
    const keys = bases.map((base) => `${tenantId}/${base}`);
    if (keys.some((key) => this.#usedBases.has(key))) {
      throw new Refusal('unauthorized', 'This signature was used before.');
    }
    for (const key of keys) this.#usedBases.set(key, true);
  }
}

/** Whether a signature of the message claims a live key of the client. */
function hasOwnSignature({ signatures }: ParsedSignatures, { verificationKeys }: KnownTenant) {
  return signatures.some(({ keyid = '' }) => verificationKeys.get(keyid)?.live === true);
}
