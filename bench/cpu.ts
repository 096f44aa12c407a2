// What work costs in processor time, of all processes that take part: what others do on the same machine
// lengthens a measurement, but hardly this. Linux alone measures it; elsewhere there is no meter.

import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';

/** The processor time used so far, in µs. */
export type Meter = () => number;

/** Ticks a second in which Linux counts what ended children have used; the same on every platform. */
const ticksPerS = 100;

/**
 * A meter of this process, others, and the database server with its children. Undefined where the
 * system has no such figures or the server is on another machine.
 */
export async function meterOf(
  databaseUrl: string,
  pids: readonly number[],
): Promise<Meter | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const server = postmasterOf(rows[0]?.pid ?? 0);
  await client.end();
  if (server === undefined) return undefined;
  return () => {
    const all = [process.pid, ...pids, server, ...childrenOf(server)];
    return all.reduce((total, pid) => total + usedBy(pid), ofEndedChildren(server));
  };
}

/** The parent of a backend, if that process is of this machine. */
function postmasterOf(backend: number): number | undefined {
  if (read(`/proc/${backend}/comm`).trim() !== 'postgres') return undefined;
  return Number(statOf(backend)[1]);
}

function childrenOf(pid: number): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').map(Number);
}

/** The time its threads have run, in µs. */
function usedBy(pid: number): number {
  const threads = list(`/proc/${pid}/task`);
  const ns = threads.map((thread) => read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
  return ns.reduce((total, one) => total + Number(one), 0) / 1_000;
}

function ofEndedChildren(pid: number): number {
  const stat = statOf(pid);
  return ((Number(stat[13]) + Number(stat[14])) / ticksPerS) * 1_000_000;
}

/** The fields that follow the name in `/proc/<pid>/stat`, which may have spaces itself. */
function statOf(pid: number): readonly string[] {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Empty where the process has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
