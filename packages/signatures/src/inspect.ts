// Explains a signed message: the dialect and why, what the signature covers, the base as the verifier
// computes it, and everything that is wrong, in the order in which the verifier looks. It is made of
// the verifier's own parts and decides nothing by itself.

import { hash } from 'node:crypto';
import { verifyBytes } from './algorithm.ts';
import { componentValue, maskAuthorization, signatureBase } from './base.ts';
import {
  type Check,
  type CheckStep,
  dueScheme,
  faultsOf,
  ownSignatures,
  proxyBase,
  refusedParts,
} from './check.ts';
import type { Dialect, DialectVersion } from './dialect.ts';
import { type ComparedDigest, compareDigests } from './digest.ts';
import { maxCandidates } from './limits.ts';
import { fieldValue, type ReadMessage, readMessage, type SignedMessage } from './message.ts';
import { isFaulty, type ParsedSignature, type ParsedSignatures, parseSignatures } from './parse.ts';
import { type Quirk, quirksOf } from './quirks.ts';
import { type Recognised, recogniseDialect } from './recognise.ts';
import { remedyTexts } from './remedies.ts';
import { outcome, SignatureError, type SignatureErrorCode } from './signature-error.ts';

/** What is wrong, at which step, and what to do about it. */
export interface Fault {
  readonly step: 'form' | 'base' | CheckStep | 'verification';
  readonly code: SignatureErrorCode;
  readonly detail: string;
  readonly remedy: string;
}

export interface Inspection {
  /** `undecided`: nothing is wrong, but there was no key to verify with. */
  readonly verdict: 'accepted' | 'refused' | 'undecided';
  /** The first thing that is wrong, which is what the service answers; null where nothing is. */
  readonly first_fault: Fault | null;
  readonly dialect: { readonly version: DialectVersion; readonly because: string } | null;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query: string;
    readonly body_bytes: number;
  };
  readonly digest: {
    readonly header: string;
    readonly sent: string | null;
    readonly due: string;
    readonly compared: readonly ComparedDigest[];
  } | null;
  /** Empty where the form of all of them is wrong. */
  readonly signatures: readonly InspectedSignature[];
}

export interface InspectedSignature {
  readonly label: string;
  readonly keyid: string | null;
  /** Whether the key is known, live and the client's; null where no keys were at hand. */
  readonly key_found: boolean | null;
  readonly created: number | null;
  readonly age_s: number | null;
  readonly expires: number | null;
  /** What is listed, with the value as received; null for what the message does not have. */
  readonly covered: readonly { readonly component: string; readonly value: string | null }[];
  /** What has to be listed and is not. */
  readonly missing: readonly string[];
  /** The text that has to be signed, `authorization` masked; null where it cannot be made. */
  readonly base: string | null;
  /** SHA-256 (hex) of the base, unmasked: a signer can compare without seeing the text. */
  readonly base_sha256: string | null;
  /** Whether the signature is the key's over this base; null where that was not computed. */
  readonly verifies: boolean | null;
  readonly faults: readonly Fault[];
  /** Mistakes of known clients that explain why it does not verify. */
  readonly quirks: readonly Quirk[];
}

/** What to inspect against. Without `keys` everything but key and verification is judged. */
export type InspectionContext = Pick<Check, 'clientId' | 'now' | 'rules'> & {
  readonly keys: Check['keys'] | undefined;
};

const noKeys: Check['keys'] = () => undefined;

/**
 * Inspects a message. At most two verifications. Records nothing and knows no replays. The verdict and
 * the first fault are those of `verifyMessage` with the same context.
 */
export async function inspectSignature(
  signed: SignedMessage,
  context: InspectionContext,
): Promise<Inspection> {
  const message = readMessage(signed);
  const recognised = recognise(message);
  const request = requestOf(message);
  const dialect = recognised && {
    version: recognised.dialect.version,
    because: recognised.because,
  };
  const digest = recognised && outcome(() => digestOf(recognised.dialect, message));
  const facts = { request, dialect, digest: digest instanceof SignatureError ? null : digest };
  const parsed = outcome(() => parseSignatures(signed));
  if (parsed instanceof SignatureError) {
    return { verdict: 'refused', first_fault: faultOf('form', parsed), ...facts, signatures: [] };
  }
  const { keys = noKeys } = context;
  const check: Check = { ...context, parsed, keys, isReplay: () => false };
  const signatures = await inspectAll(check, context.keys !== undefined);
  const missingClient = clientIdFault(check);
  if (missingClient !== undefined) {
    return { verdict: 'refused', first_fault: missingClient, ...facts, signatures };
  }
  return { ...verdictOf(check, signatures, context.keys !== undefined), ...facts, signatures };
}

function recognise(message: ReadMessage): Recognised | null {
  const input = fieldValue(message, 'signature-input');
  const recognised =
    input === undefined ? undefined : outcome(() => recogniseDialect(message, input));
  return recognised === undefined || recognised instanceof SignatureError ? null : recognised;
}

function requestOf({ method, path, query, body }: ReadMessage): Inspection['request'] {
  return { method, path, query, body_bytes: body.length };
}

function digestOf(dialect: Dialect, message: ReadMessage): Inspection['digest'] {
  const { name, write } = dialect.digest;
  const sent = fieldValue(message, name);
  if (sent === undefined && message.body.length === 0) return null;
  const compared = outcome(() => compareDigests(dialect.digest, message));
  return {
    header: name,
    sent: sent ?? null,
    due: write(message.body),
    compared: compared instanceof SignatureError ? [] : compared,
  };
}

function clientIdFault({ rules, parsed }: Check): Fault | undefined {
  const isThere = parsed.message.lines.has('upvest-client-id');
  if (!rules.clientIdRequired || isThere) return undefined;
  return faultOf('form', new SignatureError('client_id_missing', 'upvest-client-id'));
}

/** As the verifier chooses: the first two of the client's, or else the first of all. */
function verdictOf(
  check: Check,
  signatures: readonly InspectedSignature[],
  hasKeys: boolean,
): Pick<Inspection, 'verdict' | 'first_fault'> {
  const own = ownSignatures(check).slice(0, maxCandidates);
  const labels = own.map(({ label }) => label);
  const candidates = signatures.filter(({ label }) => labels.includes(label));
  const decisive = candidates.length > 0 ? candidates : signatures.slice(0, 1);
  const isGood = decisive.some(({ faults }) => faults.length === 0);
  if (isGood) return { verdict: hasKeys ? 'accepted' : 'undecided', first_fault: null };
  return { verdict: 'refused', first_fault: decisive[0]?.faults[0] ?? null };
}

async function inspectAll(check: Check, hasKeys: boolean): Promise<InspectedSignature[]> {
  const own = new Set(ownSignatures(check).slice(0, maxCandidates));
  const inspected: InspectedSignature[] = [];
  for (const signature of check.parsed.signatures) {
    const isCandidate = own.has(signature);
    inspected.push(
      isFaulty(signature)
        ? faultySignature(signature)
        : await inspectOne(check, signature, { hasKeys, isCandidate, isOnly: own.size === 1 }),
    );
  }
  return inspected;
}

function faultySignature({
  label,
  keyid,
  fault,
}: Extract<ParsedSignatures['signatures'][number], { fault: SignatureError }>): InspectedSignature {
  return {
    label,
    keyid: keyid ?? null,
    key_found: null,
    created: null,
    age_s: null,
    expires: null,
    covered: [],
    missing: [],
    base: null,
    base_sha256: null,
    verifies: null,
    faults: [faultOf('form', fault)],
    quirks: [],
  };
}

async function inspectOne(
  check: Check,
  signature: ParsedSignature,
  {
    hasKeys,
    isCandidate,
    isOnly,
  }: { readonly hasKeys: boolean; readonly isCandidate: boolean; readonly isOnly: boolean },
): Promise<InspectedSignature> {
  const { dialect, message } = check.parsed;
  const { label, keyid, created, expires } = signature;
  const base = outcome(() => signatureBase(dialect, message, signature));
  const isBase = !(base instanceof SignatureError);
  const found = [...faultsOf(check, signature, isBase ? hash('sha256', base) : '')];
  const refused = refusedParts(check, signature);
  const plain = isBase && isCandidate ? await verifies(check, signature, base) : null;
  const proxied = plain === false && isOnly ? proxyBase(check, signature) : undefined;
  const isProxied = proxied !== undefined && (await verifies(check, signature, proxied)) === true;
  const holds = isProxied || plain;
  const faults = [
    ...(refused === undefined ? [] : [faultOf('form', refused)]),
    ...(isBase ? [] : [faultOf('base', base)]),
    ...found
      .filter(({ step }) => hasKeys || step !== 'key')
      .map(({ step, error }) => faultOf(step, error)),
    ...(holds === false
      ? [faultOf('verification', new SignatureError('signature_invalid', label))]
      : []),
  ];
  return {
    label,
    keyid,
    key_found: hasKeys ? !found.some(({ step }) => step === 'key') : null,
    created,
    age_s: check.now - created,
    expires: expires ?? null,
    covered: coveredBy(check, signature),
    missing: found.flatMap(({ step, error }) =>
      step === 'coverage' ? missingOf(dialect, error) : [],
    ),
    base: isBase ? maskAuthorization(base) : null,
    base_sha256: isBase ? hash('sha256', base) : null,
    verifies: holds,
    faults,
    quirks: faults.length > 0 || isProxied ? await quirksOf(check, signature, isCandidate) : [],
  };
}

async function verifies(
  { parsed, keys }: Check,
  signature: ParsedSignature,
  base: string,
): Promise<boolean | null> {
  const key = keys(signature.keyid);
  const scheme = key && outcome(() => dueScheme(parsed.dialect, signature, key));
  if (key === undefined || scheme === undefined || scheme instanceof SignatureError) return null;
  return verifyBytes({ scheme, key: key.publicKey, base }, signature.signature);
}

function coveredBy({ parsed }: Check, signature: ParsedSignature): InspectedSignature['covered'] {
  const { dialect, message } = parsed;
  return signature.components.map((component) => {
    const value = outcome(() => componentValue(dialect, message, component, signature.params));
    if (value instanceof SignatureError) return { component, value: null };
    return { component, value: component === 'authorization' ? '***' : value };
  });
}

/** The component that would cover what is uncovered. */
function missingOf(dialect: Dialect, { code, field }: SignatureError): readonly string[] {
  if (field !== undefined) return [field];
  const aspect = code.replace('uncovered_', '');
  const name = dialect.usual.find((one) => {
    return dialect.derived.get(one)?.covers.some((covered) => covered === aspect);
  });
  return name === undefined ? [] : [name];
}

function faultOf(step: Fault['step'], { code, detail }: SignatureError): Fault {
  return { step, code, detail, remedy: remedyTexts[code] };
}
