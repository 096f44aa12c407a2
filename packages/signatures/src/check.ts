// Second stage of verification: everything about a signature short of computing it. Cheap, and
// without effects: keys, clock, rules and the memory of accepted bases are handed in.

import { hash } from 'node:crypto';
import { hasDueForm, type Scheme } from './algorithm.ts';
import { signatureBase } from './base.ts';
import { coveredAspects, type Dialect, type DialectVersion, neededAspects } from './dialect.ts';
import { checkDigest } from './digest.ts';
import type { VerificationKey } from './keys.ts';
import { maxAgeS, maxAheadS, maxCandidates } from './limits.ts';
import {
  type FaultySignature,
  firstOf,
  isFaulty,
  type ParsedSignature,
  type ParsedSignatures,
} from './parse.ts';
import { isMember, partialMember, withFirstAccepted } from './proxy-forms.ts';
import { outcome, SignatureError } from './signature-error.ts';

/** Headers with a meaning of their own that a signature may have to cover. */
type GuardedHeader = 'authorization' | 'idempotency-key' | 'upvest-client-id';

/** Which headers a signature has to cover, besides the digest of a body. */
export interface HeaderRules {
  /** Whether the message has to carry `upvest-client-id` at all. */
  readonly clientIdRequired: boolean;
  readonly coveredIfSent: readonly GuardedHeader[];
  /** Dialects in which the idempotency key may be left out of that. */
  readonly keyMayBeOpenIn?: readonly DialectVersion[];
  /** Whether forms of one published proxy are taken in drafts 15 and 6 (proxy-forms.ts). */
  readonly proxyForms?: boolean;
}

/** Clients under the policy `strict`. */
export const strictRules: HeaderRules = {
  clientIdRequired: true,
  coveredIfSent: ['authorization', 'upvest-client-id', 'idempotency-key'],
};

/**
 * Clients under the policy `compatible`. One published client, which signs in draft 15, leaves the
 * idempotency key open; in the other dialects no published client does.
 */
export const compatibleRules: HeaderRules = {
  clientIdRequired: true,
  coveredIfSent: ['authorization', 'idempotency-key'],
  keyMayBeOpenIn: ['15'],
  proxyForms: true,
};

/** The token request under `compatible`: one published client sends it without its client id. */
export const compatibleTokenRules: HeaderRules = { ...compatibleRules, clientIdRequired: false };

/** Deliveries to a webhook, for their receiver. */
export const deliveryRules: HeaderRules = {
  clientIdRequired: false,
  coveredIfSent: ['upvest-client-id'],
};

/** What the second stage works on. */
export interface Check {
  readonly parsed: ParsedSignatures;
  readonly keys: (keyid: string) => VerificationKey | undefined;
  /** Whose key it has to be; undefined where keys have no owner. */
  readonly clientId: string | undefined;
  /** The clock in Unix seconds, floored. */
  readonly now: number;
  readonly rules: HeaderRules;
  /** Whether a base with this SHA-256 (hex) was accepted before. */
  readonly isReplay: (baseSha256: string) => boolean;
}

/** A signature that is right in everything, if it verifies by its key. */
export interface CheckedSignature {
  readonly dialect: Dialect;
  readonly signature: ParsedSignature;
  readonly key: VerificationKey;
  readonly scheme: Scheme;
  readonly base: string;
  readonly baseSha256: string;
}

/** Signatures to verify in turn, at least one; one that holds suffices. */
export interface CheckedSignatures {
  readonly toVerify: readonly CheckedSignature[];
  /** Why the first candidate was refused, where it was: the response, if none of the others holds. */
  readonly refusal: SignatureError | undefined;
}

/**
 * Checks everything short of computing, of at most two signatures by live keys of the client.
 *
 * Members by other keys cost nothing more. Throws the refusal of the first candidate, or without
 * one that of the first member, if nothing is left to verify. Pure and repeatable: it records
 * nothing.
 */
export function checkSignatures(check: Check): CheckedSignatures {
  const { message, signatures } = check.parsed;
  if (check.rules.clientIdRequired && !message.lines.has('upvest-client-id')) {
    throw new SignatureError('client_id_missing', 'upvest-client-id');
  }
  const candidates = ownSignatures(check).slice(0, maxCandidates);
  const results = (candidates.length > 0 ? candidates : [firstOf(signatures)]).map((candidate) =>
    outcome(() => checkSignature(check, candidate)),
  );
  const toVerify = results.flatMap((result) => (result instanceof SignatureError ? [] : [result]));
  const first = firstOf(results);
  const refusal = first instanceof SignatureError ? first : undefined;
  if (refusal && toVerify.length === 0) throw refusal;
  const inProxyForm = toVerify.flatMap((one) => asProxySigns(check, one) ?? []);
  return { toVerify: [...toVerify, ...inProxyForm].slice(0, maxCandidates), refusal };
}

/** The same signature over the base as the proxy makes it; undefined where that is none, or was used. */
function asProxySigns(check: Check, checked: CheckedSignature): CheckedSignature | undefined {
  const base = proxyBase(check, checked.signature);
  if (base === undefined) return undefined;
  const baseSha256 = hash('sha256', base);
  return check.isReplay(baseSha256) ? undefined : { ...checked, base, baseSha256 };
}

/** The base of a signature that covers the first item of `accept` alone; undefined where none may. */
export function proxyBase(
  { parsed: { dialect, message }, rules }: Pick<Check, 'parsed' | 'rules'>,
  signature: ParsedSignature,
): string | undefined {
  if (rules.proxyForms !== true || !dialect.hasProxyForms) return undefined;
  if (!signature.components.includes('accept')) return undefined;
  const shortened = withFirstAccepted(message);
  const base = shortened && outcome(() => signatureBase(dialect, shortened, signature));
  return base instanceof SignatureError ? undefined : base;
}

/** Why parts of headers that a signature lists are not taken; undefined where they are, or are none. */
export function refusedParts(
  { parsed: { message }, rules }: Pick<Check, 'parsed' | 'rules'>,
  { components }: ParsedSignature,
): SignatureError | undefined {
  const refused =
    rules.proxyForms === true ? partialMember(message, components) : components.find(isMember);
  return refused === undefined ? undefined : new SignatureError('component_invalid', refused);
}

/** The checks of one signature in their order: the cheap ones first. */
export type CheckStep = 'key' | 'coverage' | 'time' | 'algorithm' | 'replay' | 'digest';

/** One thing that is wrong with a signature. */
export interface StepFault {
  readonly step: CheckStep;
  readonly error: SignatureError;
}

/**
 * What is wrong with a signature short of computing it, in the order of the checks. Lazy: the
 * verifier takes the first and pays for no more; the inspector takes all.
 */
export function* faultsOf(
  check: Check,
  signature: ParsedSignature,
  baseSha256: string,
): Generator<StepFault> {
  const { dialect, message } = check.parsed;
  const { key, fault } = ownLiveKey(check, signature.keyid);
  if (key === undefined) yield { step: 'key', error: new SignatureError(fault, 'keyid') };
  for (const error of uncovered(check, signature)) yield { step: 'coverage', error };
  const untimely = untimeliness(signature, check.now);
  if (untimely !== undefined) yield { step: 'time', error: untimely };
  const scheme = key && outcome(() => dueScheme(dialect, signature, key));
  if (scheme instanceof SignatureError) yield { step: 'algorithm', error: scheme };
  if (check.isReplay(baseSha256)) yield { step: 'replay', error: new SignatureError('replayed') };
  const digest = outcome(() => checkDigest(dialect.digest, message));
  if (digest instanceof SignatureError) yield { step: 'digest', error: digest };
}

/**
 * The signatures of a message that claim a live key of the client, in the order they are listed. The
 * first `maxCandidates` of them may be verified.
 */
export function ownSignatures(
  check: Pick<Check, 'parsed' | 'keys' | 'clientId'>,
): ParsedSignatures['signatures'] {
  return check.parsed.signatures.filter(({ keyid }) => ownLiveKey(check, keyid).key);
}

/** What a verifier remembers of a message that it accepts: the hash of a signature's base, and its `created`. */
export interface ReplayKey {
  readonly baseSha256: string;
  readonly created: number;
}

/**
 * The bases of all signatures of a message that a verifier may ever take as the client's, verified or
 * not: remembered together, none of them brings the message in once more. Throws `created_future`
 * where one of them is good only later, since it could not be remembered for so long.
 *
 * @param checked what `checkSignatures` made of the same: its bases are not computed again.
 */
export function replayKeysOf(
  check: Pick<Check, 'parsed' | 'keys' | 'clientId' | 'now' | 'rules'>,
  checked: Pick<CheckedSignatures, 'toVerify'>,
): readonly ReplayKey[] {
  return ownSignatures(check).flatMap((signature) => {
    if (isFaulty(signature)) return [];
    const known = checked.toVerify.find((one) => one.signature === signature);
    const baseSha256 = known?.baseSha256 ?? baseSha256Of(check.parsed, signature);
    if (baseSha256 === undefined) return [];
    const { created } = signature;
    if (created - check.now > maxAheadS) throw new SignatureError('created_future', 'created');
    const proxied = proxyBase(check, signature);
    const bases = proxied === undefined ? [baseSha256] : [baseSha256, hash('sha256', proxied)];
    return bases.map((base) => ({ baseSha256: base, created }));
  });
}

function baseSha256Of({ dialect, message }: ParsedSignatures, signature: ParsedSignature) {
  const base = outcome(() => signatureBase(dialect, message, signature));
  return base instanceof SignatureError ? undefined : hash('sha256', base);
}

function ownLiveKey({ keys, clientId }: Pick<Check, 'keys' | 'clientId'>, keyid?: string) {
  const key = keyid === undefined ? undefined : keys(keyid);
  if (key === undefined) return { fault: 'keyid_unknown' } as const;
  if (key.clientId !== clientId) return { fault: 'key_wrong_client' } as const;
  if (!key.live) return { fault: 'key_not_live' } as const;
  return { key };
}

function checkSignature(
  check: Check,
  signature: ParsedSignature | FaultySignature,
): CheckedSignature {
  if (isFaulty(signature)) throw signature.fault;
  const { dialect, message } = check.parsed;
  const refused = refusedParts(check, signature);
  if (refused !== undefined) throw refused;
  const base = signatureBase(dialect, message, signature);
  const baseSha256 = hash('sha256', base);
  for (const { error } of faultsOf(check, signature, baseSha256)) throw error.withBase(base);
  const { key } = ownLiveKey(check, signature.keyid);
  if (key === undefined) throw new TypeError('a signature without fault has a key');
  const scheme = dueScheme(dialect, signature, key);
  return { dialect, signature, key, scheme, base, baseSha256 };
}

const uncoveredHeader = {
  authorization: 'uncovered_authorization',
  'idempotency-key': 'uncovered_idempotency_key',
  'upvest-client-id': 'uncovered_client_id',
} as const;

// Headers and aspects are kept apart: a header may well be called `path`.
function* uncovered({ parsed, rules }: Check, signature: ParsedSignature) {
  const { dialect, message } = parsed;
  const aspects = coveredAspects(dialect, signature.components);
  for (const aspect of neededAspects(message, signature.expires !== undefined)) {
    if (!aspects.has(aspect)) yield new SignatureError(`uncovered_${aspect}`);
  }
  for (const name of rules.coveredIfSent) {
    if (name === 'idempotency-key' && rules.keyMayBeOpenIn?.includes(dialect.version)) continue;
    if (message.lines.has(name) && !covers(signature, name)) {
      yield new SignatureError(uncoveredHeader[name], name);
    }
  }
  const { name } = dialect.digest;
  if (message.body.length > 0 && message.lines.has(name) && !covers(signature, name)) {
    yield new SignatureError('uncovered_digest', name);
  }
}

function covers(signature: ParsedSignature, header: string): boolean {
  return signature.components.includes(header);
}

function untimeliness(
  { created, expires }: ParsedSignature,
  now: number,
): SignatureError | undefined {
  if (now - created > maxAgeS) return new SignatureError('created_too_old', 'created');
  if (created - now > maxAheadS) return new SignatureError('created_future', 'created');
  if (expires === undefined) return undefined;
  if (expires < created) return new SignatureError('expires_before_created', 'expires');
  return expires < now ? new SignatureError('expired', 'expires') : undefined;
}

/** The algorithm of a key in a dialect; throws where `alg` or the signature's form contradict it. */
export function dueScheme(
  dialect: Dialect,
  signature: ParsedSignature,
  key: VerificationKey,
): Scheme {
  const scheme = dialect.schemes.get(key.algorithm);
  if (scheme === undefined) throw new SignatureError('alg_not_allowed', 'keyid');
  if (signature.alg !== undefined && signature.alg !== scheme.alg) {
    throw new SignatureError('alg_mismatch', 'alg');
  }
  if (!hasDueForm(scheme, key.publicKey, signature.signature)) {
    throw new SignatureError('signature_encoding', 'signature');
  }
  return scheme;
}
