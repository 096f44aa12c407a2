// The processor time of a run: of this process and all that it has started, the database server among them. What
// else the machine does changes how long a run lasts, and this hardly. Linux only.
import { readdir, readFile } from 'node:fs/promises';

/** Of `/proc/PID/stat`, in clock ticks of 10 ms (USER_HZ, the same on every Linux). */
interface Spent {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of the process and of the children it has waited for. */
  readonly ticks: number;
}

const ticksPerSecond = 100;

async function readSpent(pid: string): Promise<readonly Spent[]> {
  // A process may end while the list is read.
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // proc_pid_stat(5): the name stands in brackets and may hold blanks; 4 is the parent, 14 to 17 the times.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 16) return [];
  const ticks = fields.slice(11, 15).reduce((sum, one) => sum + Number(one), 0);
  return [{ pid: Number(pid), parent: Number(fields[1]), ticks }];
}

/** Seconds that this process and all below it have spent; undefined where no one says. */
export async function processorSeconds(): Promise<number | undefined> {
  const names = await readdir('/proc').catch(() => []);
  const all = (await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readSpent))).flat();
  const below = Map.groupBy(all, ({ parent }) => parent);
  const ticksOf = (pid: number): number => {
    const own = all.find((one) => one.pid === pid)?.ticks ?? 0;
    return (below.get(pid) ?? []).reduce((sum, one) => sum + ticksOf(one.pid), own);
  };
  return all.length === 0 ? undefined : ticksOf(process.pid) / ticksPerSecond;
}
