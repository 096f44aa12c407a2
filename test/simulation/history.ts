// What happened in a simulated run, one line a step. Its hash tells whether two runs of one seed are
// the same to the byte; the last lines are shown when a run fails.
import { createHash, hash } from 'node:crypto';

const keptLines = 80;

export class History {
  readonly #hash = createHash('sha256');
  readonly #last: string[] = [];
  readonly #copy: ((line: string) => void) | undefined;
  #count = 0;

  /** @param copy gets every line as it is written. */
  constructor(copy?: (line: string) => void) {
    this.#copy = copy;
  }

  note(line: string): void {
    this.#count += 1;
    this.#hash.update(`${line}\n`);
    this.#last.push(line);
    if (this.#last.length > keptLines) this.#last.shift();
    this.#copy?.(line);
  }

  get count(): number {
    return this.#count;
  }

  get last(): readonly string[] {
    return this.#last;
  }

  /** Of all lines so far; more may follow. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

/** A short name for something long, the same whenever it is the same. */
export function fingerprint(value: unknown): string {
  return hash('sha256', JSON.stringify(value, withoutBytes) ?? 'nothing').slice(0, 10);
}

/**
 * How the server names a transaction in `pg_locks`, by the place of its connection among all of the server; and a
 * snapshot, by transactions that are counted through all its databases.
 */
const ofServer = /^\d+(?:\/\d+|:\d+:[\d,]*)$/;

// Keys and secrets are drawn by the system's own lot, so they differ from run to run; the server's own names hang
// on what else is connected, and on what was before.
function withoutBytes(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string' && value.includes('"kty"')) return 'key';
  if (typeof value === 'string' && ofServer.test(value)) return 'of the server';
  const isBytes =
    value instanceof Uint8Array ||
    (typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer');
  return isBytes ? 'bytes' : value;
}
