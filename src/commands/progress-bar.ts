// A bar on a terminal for work that takes long: how far it is, what it does, and about how long it goes
// on. Nothing of it stays.

import { SingleBar } from 'cli-progress';
import { type Stopwatch, systemStopwatch } from '../clock.ts';

export interface Progress {
  /** What is worked on, in a column; another one begins another bar. */
  readonly subject: string;
  /** From 0 to 1. It is shown as less than all of it: what is done has no bar any more. */
  readonly done: number;
  readonly detail: string;
  /** Some of it waits for what has no foreseeable end, so that no rest is estimated. */
  readonly isOpenEnded?: boolean;
}

/** How much has to be done before the rest can be estimated. */
const estimatedFrom = 0.05;
const steps = 1_000;

export class ProgressBar {
  readonly #bar: SingleBar;
  readonly #stopwatch: Stopwatch;
  #subject: string | undefined;
  #beganAtMs = 0;

  constructor(stream: NodeJS.WritableStream, stopwatch: Stopwatch = systemStopwatch) {
    this.#stopwatch = stopwatch;
    this.#bar = new SingleBar({
      stream,
      format: '{subject} [{bar}] {percentage}%  {detail}{rest}',
      barsize: barSizeOf(stream),
      clearOnComplete: true,
      // The terminal's settings are left alone, so that nothing has to be put right on Ctrl-C: the
      // library's way to do that would keep it from ending the process.
      hideCursor: false,
      linewrap: true,
      gracefulExit: false,
    });
  }

  show({ subject, done, detail, isOpenEnded = false }: Progress): void {
    if (subject !== this.#subject) {
      this.clear();
      this.#subject = subject;
      this.#beganAtMs = this.#stopwatch.elapsedMs();
      this.#bar.start(steps, 0, { subject, detail, rest: '' });
    }
    const rest = isOpenEnded ? '' : this.#restOf(done);
    this.#bar.update(Math.min(steps - 1, Math.floor(done * steps)), { subject, detail, rest });
  }

  /** Takes the bar off the terminal until the next progress. Idempotent. */
  clear(): void {
    if (this.#subject === undefined) return;
    this.#bar.stop();
    this.#subject = undefined;
  }

  #restOf(done: number): string {
    if (done < estimatedFrom) return '';
    const elapsedMs = this.#stopwatch.elapsedMs() - this.#beganAtMs;
    return `, about ${durationText((elapsedMs * (1 - done)) / done)} left`;
  }
}

/** What is said beside the bar matters more than the bar: of a narrow terminal it takes less. */
function barSizeOf(stream: NodeJS.WritableStream & { readonly columns?: number }): number {
  return Math.max(10, Math.min(30, (stream.columns ?? 150) - 120));
}

/** `9 s` or `2 min 5 s`. */
export function durationText(ms: number): string {
  const s = Math.ceil(ms / 1_000);
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}
