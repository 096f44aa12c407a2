// The venues that orders go to, read from a JSON file (UNWIND_VENUES_FILE) and checked as a whole: every
// mistake is named with its place. A value `${NAME}` is read from the environment, so that no password
// stands in the file.

import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type FixProfile, fixProfileSchema, versions } from './fix/profile.ts';
import { simulatedMic } from './simulated/market-store.ts';

/** One entry of the venues file with `type` simulated: it sells nothing, and invents its fills. */
const simulatedSchema = Type.Object(
  { type: Type.Literal('simulated'), mic: Type.Optional(Type.Literal(simulatedMic)) },
  { additionalProperties: false },
);

const venuesMax = 20;
const kindSchema = Type.Object({
  type: Type.Union([Type.Literal('fix'), Type.Literal('simulated')]),
});
const fileSchema = Type.Object(
  { venues: Type.Array(kindSchema, { minItems: 1, maxItems: venuesMax }) },
  { additionalProperties: false },
);

/** A venue of the file: how it is reached. */
export type VenueProfile = FixProfile | Static<typeof simulatedSchema>;

/** A file that cannot be used; the message goes on after its name. */
export class VenuesFileError extends Error {
  override readonly name = 'VenuesFileError';
}

type Environment = Readonly<Record<string, string | undefined>>;

const fileBytesMax = 1_024 * 1_024;
const faultsShownMax = 20;

const file = Compile(fileSchema);
const entries = { fix: Compile(fixProfileSchema), simulated: Compile(simulatedSchema) } as const;

/** @returns the venues in the order of the file. @throws VenuesFileError */
export function readVenuesFile(path: string, environment: Environment): readonly VenueProfile[] {
  const missing = new Set<string>();
  const value = parse(path, (name) => {
    const text = environment[name];
    if (text === undefined || text === '') missing.add(name);
    return text ?? '';
  });
  const faults = [...missing].map((name) => `${name}, which the file names, is not set.`);
  if (missing.size === 0) faults.push(...faultsIn(value));
  if (faults.length === 0) {
    const { venues } = value as { readonly venues: readonly VenueProfile[] };
    faults.push(...contradictions(venues));
    if (faults.length === 0) return venues;
  }
  const shown = faults.slice(0, faultsShownMax);
  throw new VenuesFileError(['has mistakes:', ...shown].join('\n  '));
}

/** Faults of the file as such; where it has none, those of its entries, each by its type. */
function faultsIn(value: unknown): readonly string[] {
  const faults = faultsBy(file, value, '');
  if (faults.length > 0) return faults;
  const { venues } = value as Static<typeof fileSchema>;
  return venues.flatMap((entry, i) => faultsBy(entries[entry.type], entry, `/venues/${i}`));
}

function faultsBy(
  validator: Pick<typeof file, 'Errors'>,
  value: unknown,
  place: string,
): readonly string[] {
  return [...validator.Errors(value)].map(({ instancePath, message, params }) => {
    const unknown = 'additionalProperties' in params ? ` (${params.additionalProperties})` : '';
    return `${`${place}${instancePath}` || '/'} ${message}${unknown}.`;
  });
}

/** The MIC that an entry stands for. */
function micOf(profile: VenueProfile): string {
  return profile.type === 'fix' ? profile.mic : simulatedMic;
}

function parse(path: string, lookUp: (name: string) => string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unknown';
    throw new VenuesFileError(`cannot be read (${code})`, { cause: error });
  }
  if (text.length > fileBytesMax) throw new VenuesFileError('is larger than 1 MiB');
  try {
    return JSON.parse(text, (_, value: unknown) => {
      const name =
        typeof value === 'string' ? /^\$\{([A-Z][A-Z0-9_]*)\}$/.exec(value)?.[1] : undefined;
      return name === undefined ? value : lookUp(name);
    });
  } catch (error) {
    // The place alone: the rest quotes the file, which may be another one and hold a secret.
    const place = error instanceof Error ? /\(line \d+ column \d+\)$/.exec(error.message) : null;
    throw new VenuesFileError(`is not JSON${place === null ? '' : ` ${place[0]}`}`);
  }
}

/** What each member allows and all of them together do not. */
function contradictions(profiles: readonly VenueProfile[]): readonly string[] {
  return profiles.flatMap((profile, i) => {
    const place = `/venues/${i}`;
    const faults: string[] = [];
    const mic = micOf(profile);
    if (profiles.slice(0, i).some((other) => micOf(other) === mic)) {
      faults.push(`${place} names ${mic}, as an entry before it does.`);
    }
    if (profile.type === 'simulated') return faults;
    if (mic === simulatedMic) {
      faults.push(`${place}/mic is ${mic}, which stands for the simulated venue.`);
    }
    const zone = profile.trading_day?.time_zone;
    if (zone !== undefined && !isTimeZone(zone)) {
      faults.push(`${place}/trading_day/time_zone is no time zone: ${zone}.`);
    }
    if (/^[0.]+$/.test(profile.limit_orders?.tick_size ?? '1')) {
      faults.push(`${place}/limit_orders/tick_size is 0.`);
    }
    for (const kind of ['logon_fields', 'header_fields', 'order_fields'] as const) {
      for (const tag of Object.keys(profile[kind] ?? {})) {
        const isHandlInst = kind === 'order_fields' && tag === '21';
        const isOwn = isHandlInst
          ? versions[profile.version].needsHandlInst
          : ownTags[kind].has(Number(tag));
        if (!isOwn) continue;
        faults.push(`${place}/${kind}/${tag} is a field that the session writes itself.`);
      }
    }
    return faults;
  });
}

/** Fields that a profile must not give, by where. */
const sessionTags = [8, 9, 10, 34, 35, 43, 49, 52, 56, 122];
const ownTags = {
  logon_fields: new Set([...sessionTags, 98, 108, 141, 1137]),
  header_fields: new Set(sessionTags),
  order_fields: new Set([...sessionTags, 11, 15, 38, 40, 44, 48, 22, 54, 55, 59, 60]),
} as const;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
