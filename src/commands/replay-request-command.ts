// `unwind replay-request`: sends a request that a sandbox has recorded (UNWIND_RECORD) again, signed anew.

import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { whyUnreadable } from '../file-fault.ts';
import { type Config, ConfigError } from '../settings/config.ts';
import { runRequest } from './request-command.ts';
import type { ApiArguments } from './sandbox-access.ts';

export interface ReplayOptions {
  readonly config: Pick<Config, 'home' | 'clientFile'>;
  readonly access: ApiArguments;
  readonly file: string;
  /** As another request: with an idempotency key of its own. */
  readonly newKey?: boolean;
  readonly print?: boolean;
  readonly json?: true;
  readonly stdout: NodeJS.WritableStream;
}

/** A record holds a request of 16 KiB, a response of 64 KiB and the base. */
const recordBytesMax = 1_048_576;

/** Prints what was answered then and what is answered now. @returns as `runRequest`. */
export async function runReplayRequest(options: ReplayOptions): Promise<number> {
  const { config, access, file, newKey = false, print = false, json, stdout } = options;
  const { method, target, body, headers, status } = await readRecord(file);
  if (target.startsWith('/auth/')) {
    throw new ConfigError(
      `${file} holds a request with a secret, which was not kept. Other requests need none of it: they ` +
        'are sent with a token of the sandbox client.',
    );
  }
  if (body !== '' && !isJson(body)) {
    throw new ConfigError(`${file} holds a request whose body is not JSON: send it with curl.`);
  }
  const keyOf = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
  const recorded = keyOf.get('idempotency-key');
  const idempotencyKey = newKey && recorded !== undefined ? randomUUID() : recorded;
  if (!print && !json) stdout.write(`recorded: ${status}; now:\n`);
  return runRequest({
    ...{ config, access, method, target, print, stdout, makesKey: false },
    ...(json ? { json, before: { recorded: status } } : {}),
    ...(body === '' ? {} : { data: body }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
}

interface Record {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** What was answered. */
  readonly status: number;
}

/** @throws ConfigError that says what is wrong with the file. */
async function readRecord(file: string): Promise<Record> {
  const text = await readText(file);
  try {
    const { request, verdict } = JSON.parse(text);
    const { method, target, headers, body } = request;
    const isPair = (one: unknown): one is readonly [string, string] =>
      Array.isArray(one) && one.length === 2 && one.every((x) => typeof x === 'string');
    const isRight =
      [method, target, body].every((one) => typeof one === 'string') &&
      Array.isArray(headers) &&
      headers.every(isPair);
    if (isRight) return { method, target, headers, body, status: Number(verdict?.status) };
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw new ConfigError(
    `${file} is no recorded request: UNWIND_RECORD=DIR lets a sandbox write such files.`,
  );
}

async function readText(file: string): Promise<string> {
  try {
    if ((await stat(file)).size <= recordBytesMax) return await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${file} cannot be read: ${whyUnreadable(error)}.`, { cause: error });
  }
  throw new ConfigError(`${file} is larger than any recorded request.`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
