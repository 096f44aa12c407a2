// What the steps of a process count while they work, for Prometheus. Each process counts what it has
// committed or been answered itself; the sum over processes is the whole.

/** Counters by name, without the prefix `unwind_` and the suffix `_total`. */
export const figures = {
  liquidations: {
    help: 'Liquidations that reached a status: their events that this process has published.',
    labels: ['status'],
  },
  orders: { help: 'Orders that this process has ended.', labels: ['outcome'] },
  proceeds: {
    help: 'Proceeds of executions that this process has booked; kind void: taken back.',
    labels: ['currency', 'kind'],
  },
  venue_answers: {
    help: 'Answers of venues to orders sent by this process.',
    labels: ['venue', 'outcome'],
  },
} as const;

export type FigureName = keyof typeof figures;

/** Adds to a counter. The labels are those of its entry in `figures`. */
export type Count = (
  name: FigureName,
  labels: Readonly<Record<string, string>>,
  by?: number,
) => void;
