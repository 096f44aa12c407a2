// What a scenario answers, and the little arithmetic it needs.

/** One line of the report. */
export interface Figure {
  readonly scenario: string;
  readonly value: number;
  readonly unit: string;
  /** What it stands beside, measured in the same run. */
  readonly against: string;
  readonly against_value: number;
  /** `value` as a part of `against_value`. */
  readonly ratio: number;
  /** The ratio to reach; for a latency the most it may be, in its unit. */
  readonly goal: number;
}

export function figure(parts: Omit<Figure, 'ratio'>): Figure {
  const { scenario, value, unit, against, against_value, goal } = parts;
  const ratio = round(value / against_value, 3);
  const shown = { value: round(value, 1), unit, against, against_value: round(against_value, 1) };
  return { scenario, ...shown, ratio, goal };
}

/** The value below which a share of the sorted values lies; the nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The most that can be had where both bounds are paid one after the other on the same cores. */
export function seriesBound(a: number, b: number): number {
  return 1 / (1 / a + 1 / b);
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
