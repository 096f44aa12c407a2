// Says who is calling and that the message is theirs, unchanged and fresh. The checks stand in the
// order of their cost: nothing reaches verification that a look-up could have refused.

import {
  type CheckedSignatures,
  checkSignatures,
  compatibleRules,
  compatibleTokenRules,
  type HeaderRules,
  maxAgeS,
  maxAheadS,
  type ParsedSignatures,
  parsePublicKey,
  parseSignatures,
  replayKeysOf,
  type SignedMessage,
  strictRules,
  type VerificationKey,
  type VerifiedSignature,
  verifySignatures,
} from '@unwind/signatures';
import { LRUCache } from 'lru-cache';
import { cacheOf } from '../cache.ts';
import { type Clock, type Stopwatch, systemStopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { parseId, type TenantId } from '../ids.ts';
import { verificationsQueuedMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { Act } from '../trail/act.ts';
import { checkBound, checkOrigin, type Origin } from './origin.ts';
import type { Scope } from './scope.ts';
import { matchingHash, sha256 } from './secret.ts';
import type { SignatureUse } from './signature-use.ts';
import {
  type AccessToken,
  type Contract,
  findSecrets,
  findTenant,
  findToken,
  type Secrets,
  type Tenant,
} from './store.ts';

/**
 * How long a process goes on using what it has read of a token or a client, in ms, counted from before
 * the reading. What is withdrawn has to end within 5 s everywhere; the rest is for a slow database.
 */
const cacheMs = 2_000;
const cachedTokensMax = 20_000;
const cachedTenantsMax = 2_000;
/** Signature bases remembered by this process, for as long as their signatures can live. */
const rememberedBasesMax = 200_000;

/** Whose message it is. */
export interface Signer {
  readonly tenantId: TenantId;
  readonly scopes: readonly Scope[];
  readonly contract: Contract;
  readonly signature: SignatureUse;
  /** SHA-256 of the certificate it came with, where the client has to have one. */
  readonly certificateSha256: Buffer | undefined;
  /** Of the signature that counted. */
  readonly keyId: string;
  readonly signedInAt: Date;
}

/** Who asks for what. */
export interface Caller {
  readonly tenantId: TenantId;
  readonly scopes: readonly Scope[];
  /** What its liquidations are created under. */
  readonly contract: Contract;
  readonly signature: SignatureUse;
  /** What is recorded of it once it is done; undefined: it only reads. */
  readonly act: Act | undefined;
  /** Who is signed in at the console, where a person asks. */
  readonly person?: string;
}

/** A client that has proved to know its secret. */
export interface SecretSigner extends Signer {
  /** Of the secret that it has used. */
  readonly secretHash: Buffer;
}

export type ClientCaller = Caller & Pick<SecretSigner, 'secretHash' | 'certificateSha256'>;

interface KnownTenant extends Tenant {
  readonly verificationKeys: ReadonlyMap<string, VerificationKey>;
  readonly grantedScopes: ReadonlySet<Scope>;
}

/** What a client that asks for a token says of itself. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly origin: Origin;
}

/** What a client that has a token says of itself. */
export interface TokenClaim {
  readonly clientId: string;
  readonly token: string;
  readonly origin: Origin;
}

/** Authenticates requests. One for a process: it remembers tokens, keys and used signatures. */
export class Authenticator {
  readonly #sql: Sql;
  readonly #clock: Clock;
  readonly #stopwatch: Stopwatch;
  readonly #tokens: LRUCache<string, AccessToken>;
  readonly #tenants: LRUCache<TenantId, KnownTenant>;
  readonly #usedBases: LRUCache<string, true>;
  #verifying = 0;
  #verified = 0;

  constructor(sql: Sql, clock: Clock, stopwatch: Stopwatch = systemStopwatch) {
    this.#sql = sql;
    this.#clock = clock;
    this.#stopwatch = stopwatch;
    const timing = { ttlResolution: 0, perf: { now: () => stopwatch.elapsedMs() } };
    this.#tokens = new LRUCache({ ...cacheOf(cachedTokensMax), ttl: cacheMs, ...timing });
    this.#tenants = new LRUCache({ ...cacheOf(cachedTenantsMax), ttl: cacheMs, ...timing });
    const lifeMs = (maxAgeS + maxAheadS) * 1_000;
    this.#usedBases = new LRUCache({ ...cacheOf(rememberedBasesMax), ttl: lifeMs, ...timing });
  }

  /** How often a signature was verified. */
  get verifications(): number {
    return this.#verified;
  }

  /**
   * Authenticates a request that carries a token.
   * @throws Refusal `bad_request` (no client id), `unauthorized`, `service_unavailable`.
   * @throws SignatureError when the signature is refused.
   */
  async authenticate(message: SignedMessage, claim: TokenClaim): Promise<Signer> {
    const parsed = parseSignatures(message);
    const { token, tenant } = await this.#holder(claim);
    const rules = tenant.signaturePolicy === 'strict' ? strictRules : compatibleRules;
    const verified = await this.#verify(parsed, tenant, rules, () => {
      return checkBound(tenant, token.certificateSha256, claim.origin);
    });
    const scopes = token.scopes.filter((scope) => tenant.grantedScopes.has(scope));
    return { tenantId: tenant.tenantId, scopes, contract: tenant.contract, ...verified };
  }

  /**
   * Authenticates a request about tokens by the client's secret and signature.
   * @throws Refusal `unauthorized`, the same for a wrong client, secret or key.
   * @throws SignatureError when the signature is refused.
   */
  async authenticateClient(message: SignedMessage, claim: Credentials): Promise<SecretSigner> {
    const parsed = parseSignatures(message);
    const tenantId = parseId<'tenant'>(claim.clientId);
    // The secret is read anew, and nothing else before it is right: so a client that does not exist
    // costs the same statement and the same comparison as one that does, cached or not.
    const known = tenantId && (await findSecrets(this.#sql, tenantId));
    const secrets = known === undefined ? [] : this.#secretsOf(known);
    const secretHash = matchingHash(claim.clientSecret, secrets);
    const tenant = secretHash && tenantId && (await this.#tenant(tenantId));
    if (!tenant || !secretHash || !hasOwnSignature(parsed, tenant)) {
      throw new Refusal('unauthorized', 'The client, its secret or its key is not known.');
    }
    const rules = tenant.signaturePolicy === 'strict' ? strictRules : compatibleTokenRules;
    const verified = await this.#verify(parsed, tenant, rules, () => {
      return checkOrigin(tenant, claim.origin);
    });
    const { tenantId: id, scopes, contract } = tenant;
    return { tenantId: id, scopes, contract, ...verified, secretHash };
  }

  /** Whether a token is still good for one of these scopes. @throws trouble of the database. */
  async holds(claim: TokenClaim, scopes: readonly Scope[]): Promise<boolean> {
    try {
      const { token, tenant } = await this.#holder(claim);
      checkBound(tenant, token.certificateSha256, claim.origin);
      return scopes.some(
        (scope) => token.scopes.includes(scope) && tenant.grantedScopes.has(scope),
      );
    } catch (error) {
      if (error instanceof Refusal && error.code === 'unauthorized') return false;
      throw error;
    }
  }

  /** Forgets a token that was revoked here; other processes read it again within `cacheMs`. */
  forgetToken({ tenantId, tokenHash }: { tenantId: TenantId; tokenHash: Buffer }): void {
    this.#tokens.delete(cacheKeyOf(tenantId, tokenHash));
  }

  /** The token and its client, both good now. @throws Refusal `unauthorized`. */
  async #holder(claim: TokenClaim) {
    const tenantId = parseId<'tenant'>(claim.clientId);
    const token = tenantId && (await this.#token(tenantId, claim.token));
    if (token === undefined || token.expiresAt <= this.#clock.now()) {
      throw new Refusal('unauthorized', 'The access token is not known or has expired.');
    }
    const tenant = await this.#tenant(token.tenantId);
    if (tenant === undefined) throw new Refusal('unauthorized', 'The client is not known.');
    const secrets = this.#secretsOf(tenant);
    if (!secrets.some((hash) => hash.equals(token.secretHash))) {
      throw new Refusal('unauthorized', 'The access token was withdrawn.');
    }
    return { token, tenant };
  }

  /** Hashes of the secrets that work now; of a disabled client none does. */
  #secretsOf({ secretHash, oldSecret, disabledAt }: Secrets): readonly Buffer[] {
    if (disabledAt !== undefined) return [];
    if (oldSecret === undefined || oldSecret.endsAt <= this.#clock.now()) return [secretHash];
    return [secretHash, oldSecret.hash];
  }

  async #token(tenantId: TenantId, text: string): Promise<AccessToken | undefined> {
    const tokenHash = sha256(text);
    const key = cacheKeyOf(tenantId, tokenHash);
    const cached = this.#tokens.get(key);
    if (cached !== undefined) return cached;
    const start = this.#stopwatch.elapsedMs();
    const token = await findToken(this.#sql, { tenantId, tokenHash });
    if (token !== undefined) this.#tokens.set(key, token, { start });
    return token;
  }

  async #tenant(tenantId: TenantId): Promise<KnownTenant | undefined> {
    const cached = this.#tenants.get(tenantId);
    if (cached !== undefined) return cached;
    const start = this.#stopwatch.elapsedMs();
    const found = await findTenant(this.#sql, tenantId);
    if (found === undefined) return undefined;
    const verificationKeys = new Map<string, VerificationKey>(
      found.keys.map(({ keyId, publicKeyPem, live }) => {
        return [keyId, { ...parsePublicKey(publicKeyPem), clientId: tenantId, live }];
      }),
    );
    const tenant = { ...found, verificationKeys, grantedScopes: new Set(found.scopes) };
    this.#tenants.set(tenantId, tenant, { start });
    return tenant;
  }

  /** @param bindingOf what else the client has to show; asked last, so that only a caller with its key learns it. */
  async #verify(
    parsed: ParsedSignatures,
    tenant: KnownTenant,
    rules: HeaderRules,
    bindingOf: () => Buffer | undefined,
  ): Promise<Pick<Signer, 'signature' | 'certificateSha256' | 'keyId' | 'signedInAt'>> {
    const signedInAt = this.#clock.now();
    const check = {
      parsed,
      rules,
      clientId: tenant.tenantId,
      keys: (keyid: string) => tenant.verificationKeys.get(keyid),
      now: Math.floor(signedInAt.getTime() / 1_000),
      isReplay: (baseSha256: string) => this.#usedBases.has(`${tenant.tenantId}/${baseSha256}`),
    };
    const checked = checkSignatures(check);
    // Of a message's signatures one counts, and all of them are used up by it, verified or not: none
    // brings it in once more.
    const replayKeys = replayKeysOf(check, checked);
    const { keyid: keyId } = await this.#verifySignatures(checked);
    // Before they are used up: who has only caught a message on its way cannot spend it from elsewhere.
    const certificateSha256 = bindingOf();
    const bases = [...new Set(replayKeys.map((one) => one.baseSha256))].sort();
    this.#remember(tenant.tenantId, bases);
    const created = Math.max(...replayKeys.map((one) => one.created));
    const signature = {
      basesSha256: bases.map((base) => Buffer.from(base, 'hex')),
      expiresAt: new Date((created + maxAgeS + maxAheadS) * 1_000),
    };
    return { signature, certificateSha256, keyId, signedInAt };
  }

  async #verifySignatures(checked: CheckedSignatures): Promise<VerifiedSignature> {
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

function cacheKeyOf(tenantId: TenantId, tokenHash: Buffer): string {
  return `${tenantId}/${tokenHash.toString('base64')}`;
}

/** Whether a signature of the message claims a live key of the client. */
function hasOwnSignature({ signatures }: ParsedSignatures, { verificationKeys }: KnownTenant) {
  return signatures.some(({ keyid = '' }) => verificationKeys.get(keyid)?.live === true);
}
