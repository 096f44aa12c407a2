// How the simulated venue treats instruments: one table as data, which docs/simulated-venue.md shows.
// What follows from a behaviour for an order is worked out in schedule.ts and price.ts.

/** What happens to an order that is taken. */
export const courses = {
  filled: 'filled at once',
  in_parts: 'one to five executions: one below EUR 101, one more from each of 101, 201, 301, 401',
  cancelled_before_last: 'the same executions but the last, then cancelled by the trading partner',
  cancelled: 'cancelled by the trading partner, nothing sold',
  rejected: 'rejected for good',
  resting: 'taken and never executed: it rests until it is cancelled',
  interrupted:
    'in parts; every second order, at random, is suspended after the first of two halves',
  filled_late: 'cancelled before the last execution, which is reported all the same 10 s later',
  busted: 'in parts, and 10 s after the end the first execution is declared void',
  once_a_day:
    'filled at the fixing, at 16:00 of the next trading day in the time zone of the venue',
} as const;

export type Course = keyof typeof courses;

/** What happens to an order, and how truthfully the venue reports it. */
export interface Behaviour {
  readonly course: Course;
  /** The order is taken, but the answer to it is lost. */
  readonly losesAnswers: boolean;
  /** Each report comes a second time. */
  readonly repeatsReports: boolean;
  /** Reports are held until all of it has happened, and come in any order. */
  readonly shufflesReports: boolean;
  /** How long after it happened something is reported, in ms of market time. */
  readonly delaysReportsMs: number;
}

export const usualBehaviour: Behaviour = {
  course: 'filled',
  losesAnswers: false,
  repeatsReports: false,
  shufflesReports: false,
  delaysReportsMs: 0,
};

/** A price in EUR that a seller gets; `imported`: that of the book, or 100 where it has none. */
export type PriceRule =
  | { readonly type: 'imported' | 'wandering' | 'swinging' }
  | { readonly type: 'fixed'; readonly price: string };

export interface SandboxInstrument {
  readonly price: PriceRule;
  readonly behaviour: Behaviour;
}

const imported: PriceRule = { type: 'imported' };

function fixedAt(price: string): SandboxInstrument {
  return { price: { type: 'fixed', price }, behaviour: usualBehaviour };
}

function priced(type: 'wandering' | 'swinging'): SandboxInstrument {
  return { price: { type }, behaviour: usualBehaviour };
}

function behaving(behaviour: Partial<Behaviour>): SandboxInstrument {
  return { price: imported, behaviour: { ...usualBehaviour, ...behaviour } };
}

/**
 * The instruments that behave in a way of their own, by ISIN. The real ones are those that the sandbox
 * of this API is known for; the ones beginning with ZZ, which no country has, are ours.
 */
export const sandboxInstruments: Readonly<Record<string, SandboxInstrument>> = {
  IE00BKBF6H24: fixedAt('7.51'),
  IE00B3XXRP09: fixedAt('113.03'),
  DE0005933931: fixedAt('81.77'),
  IE00B95PGT31: priced('wandering'),
  ZZSWINGING08: priced('swinging'),
  IE00B5M1WJ87: behaving({ course: 'in_parts' }),
  IE00BF2GFH28: behaving({ course: 'cancelled_before_last' }),
  ZZCANCEL0000: behaving({ course: 'cancelled' }),
  ZZREFUSED006: behaving({ course: 'rejected' }),
  ZZRESTING006: behaving({ course: 'resting' }),
  ZZHALTING000: behaving({ course: 'interrupted' }),
  ZZLATEFILL05: behaving({ course: 'filled_late' }),
  ZZBUST000004: behaving({ course: 'busted' }),
  ZZFUND000003: behaving({ course: 'once_a_day' }),
  ZZLOSTREPLY4: behaving({ losesAnswers: true }),
  ZZTWICE00002: behaving({ course: 'in_parts', repeatsReports: true }),
  ZZSHUFFLED01: behaving({ course: 'in_parts', shufflesReports: true }),
  ZZDELAYED004: behaving({ delaysReportsMs: 30_000 }),
};

const anyOther: SandboxInstrument = { price: imported, behaviour: usualBehaviour };

export function sandboxInstrument(isin: string): SandboxInstrument {
  return Object.hasOwn(sandboxInstruments, isin)
    ? (sandboxInstruments[isin] ?? anyOther)
    : anyOther;
}

/** A behaviour that a test has asked for; what is undefined stays as it is without. */
export interface AskedBehaviour {
  readonly course: Course | undefined;
  readonly losesAnswers: boolean | undefined;
  readonly repeatsReports: boolean | undefined;
  readonly shufflesReports: boolean | undefined;
  readonly delaysReportsMs: number | undefined;
  /** Only one of so many orders, at random. */
  readonly oneIn: number;
}

/** The behaviour of the table with what was asked for; `random` is the same for the same order. */
export function behaviourOf(
  isin: string,
  asked: AskedBehaviour | undefined,
  random: number,
): Behaviour {
  const { behaviour } = sandboxInstrument(isin);
  if (asked === undefined || random % asked.oneIn !== 0) return behaviour;
  return {
    course: asked.course ?? behaviour.course,
    losesAnswers: asked.losesAnswers ?? behaviour.losesAnswers,
    repeatsReports: asked.repeatsReports ?? behaviour.repeatsReports,
    shufflesReports: asked.shufflesReports ?? behaviour.shufflesReports,
    delaysReportsMs: asked.delaysReportsMs ?? behaviour.delaysReportsMs,
  };
}
