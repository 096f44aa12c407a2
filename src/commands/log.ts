// The log of a process, on standard error: lines of JSON for machines, or lines that a person reads where
// standard error is a terminal.

import { styleText } from 'node:util';
import pino, { type Logger } from 'pino';
import { printable, printableLine } from '../printable.ts';
import type { Config } from '../settings/config.ts';

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** @param usualLevel where the settings do not say. */
export function openLog(
  { level = undefined, format = undefined }: Partial<Config['log']>,
  usualLevel: 'info' | 'warn',
  output: Output = process.stderr,
): Logger {
  const options = { level: level ?? usualLevel, base: null };
  const isForPeople = (format ?? (output.isTTY === true ? 'text' : 'json')) === 'text';
  if (!isForPeople) {
    const lines = pino.destination(2);
    return pino(options, { write: (line) => lines.write(printable(line)) });
  }
  const isColoured = output.isTTY === true;
  return pino(options, { write: (line) => output.write(`${lineOf(line, isColoured)}\n`) });
}

const names: Readonly<
  Record<number, { name: string; colour: 'gray' | 'yellow' | 'red' | 'none' }>
> = {
  20: { name: 'debug', colour: 'gray' },
  30: { name: '', colour: 'none' },
  40: { name: 'warning', colour: 'yellow' },
  50: { name: 'error', colour: 'red' },
};

/** `09:30:37 request finished: POST /webhooks 201, 12 ms`, of one line of JSON. */
export function lineOf(json: string, isColoured: boolean): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as LogEntry;
  const { name, colour } = names[level] ?? { name: `level ${level}`, colour: 'none' };
  const event = /^[a-z_.]+$/.test(msg) ? msg.replaceAll(/[._]/g, ' ') : msg;
  const what = `${name === '' ? '' : `${name}: `}${event}`;
  const plain = bare.flatMap((key) => (key in fields ? [String(fields[key])] : [])).join(' ');
  const rest = Object.entries(fields).flatMap(([key, value]) => textOf(key, value));
  const details = [...(plain === '' ? [] : [plain]), ...rest].join(', ');
  const text = printableLine(details === '' ? what : `${what}: ${details}`);
  const clock = new Date(time).toTimeString().slice(0, 8);
  if (!isColoured) return `${clock} ${text}`;
  const grey = styleText('gray', clock, { validateStream: false });
  return `${grey} ${colour === 'none' ? text : styleText(colour, text, { validateStream: false })}`;
}

interface LogEntry extends Readonly<Record<string, unknown>> {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
}

/** Shown without their names, in this order. */
const bare = ['method', 'route', 'status', 'fault'];
/** For searching in JSON. */
const hidden = ['request_id'];

function textOf(key: string, value: unknown): readonly string[] {
  if (value === undefined || bare.includes(key) || hidden.includes(key)) return [];
  if (key === 'err' || key === 'error') return [messageOf(value)];
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const [, duration = key, unit] = /^(.+)_(ms|s)$/.exec(key) ?? [];
  const name = duration === 'duration' ? '' : `${duration.replaceAll('_', ' ')} `;
  return [`${name}${text}${unit === undefined ? '' : ` ${unit}`}`];
}

/** The message of an error and of what caused it; where it happened stands in the JSON. */
function messageOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const message = 'message' in value ? String(value.message) : JSON.stringify(value);
  const code = 'code' in value && typeof value.code === 'string' ? ` (${value.code})` : '';
  return `${message}${code}`;
}
