// How commands reach a running service: as the client of a file (client-file.ts), else as the one of the sandbox
// that `unwind start` has written down.

import { ApiError, Client, NoResponseError } from '@unwind/client';
import type { Command } from 'commander';
import {
  clientOptionsOf,
  readSandboxClient,
  type SandboxClient,
} from '../sandbox/sandbox-client.ts';
import { type Config, ConfigError } from '../settings/config.ts';
import { serviceUrl } from './arguments.ts';
import { readClientFile } from './client-file.ts';
import { type Output, outputTo, run } from './run.ts';
import { RefusedError, UsageError } from './usage-error.ts';

export interface SandboxAccess {
  readonly sandbox: SandboxClient;
  readonly client: Client;
}

/** Who calls, and where to; default as the settings say. */
export interface ApiArguments {
  readonly clientFile?: string;
  readonly url?: URL;
}

/** Gives a command the options by which it finds the service. */
export function withApi(command: Command): Command {
  return command
    .option(
      '--client-file <file>',
      'who calls (default: UNWIND_CLIENT_FILE, else the sandbox client)',
    )
    .option('--url <url>', 'where the service is (default: as the client file says)', serviceUrl);
}

type AccessConfig = Pick<Config, 'home' | 'clientFile'>;

/** @throws ConfigError when no service has been started on this home yet. */
export async function openSandbox(
  config: AccessConfig,
  { clientFile = config.clientFile, url }: ApiArguments = {},
): Promise<SandboxAccess> {
  const found =
    clientFile === undefined
      ? await readSandboxClient(config.home)
      : await readClientFile(clientFile);
  if (found === undefined) {
    throw new ConfigError(`There is no sandbox client in ${config.home}: run "unwind start".`);
  }
  const sandbox = url === undefined ? found : { ...found, base_url: url.href.replace(/\/$/, '') };
  return { sandbox, client: await clientOf(sandbox) };
}

/** What a command of the API works with. */
export interface OnApi {
  readonly client: Client;
  readonly clientId: string;
  readonly stdout: Output;
}

/** Runs a command that asks the API. What the service refuses ends it with exit code 1. */
export function runOnApi(
  access: ApiArguments,
  work: (api: OnApi) => Promise<number>,
): Promise<void> {
  return run(async (config) => {
    const { sandbox, client } = await openSandbox(config, access);
    try {
      return await work({
        client,
        clientId: sandbox.client_id,
        stdout: outputTo(process.stdout),
      });
    } catch (error) {
      if (error instanceof ApiError && isRefusal(error)) {
        throw new RefusedError(`${error.status}: ${error.detail}`, { cause: error });
      }
      throw mendable(error, sandbox, 'refuses');
    }
  });
}

/** Whether it is about what was asked; a caller who is not known, or may not, could not ask at all. */
function isRefusal({ status }: ApiError): boolean {
  return status >= 400 && status < 500 && status !== 401 && status !== 403;
}

/** A client that signs with the first key of the sandbox. */
export async function clientOf(sandbox: SandboxClient): Promise<Client> {
  return new Client(await clientOptionsOf(sandbox));
}

/**
 * Names the service that did not answer, or that refused: another may be meant. `refuses` says what,
 * such as "gives no token". What is no answer of the service stays as it is.
 */
export function mendable(
  error: unknown,
  { base_url: url, client_id: id }: SandboxClient,
  refuses: string,
): unknown {
  if (error instanceof NoResponseError) {
    return new UsageError(`nothing answers at ${url}. ${error.message}`, { cause: error });
  }
  if (error instanceof ApiError) {
    const remedy = error.status === 401 ? ` ${withdrawn(id)}` : '';
    const said = `${url} ${refuses}: ${error.status}, ${error.detail}${remedy}`;
    return new UsageError(said, { cause: error });
  }
  return error;
}

/** What an operator may have done to a client, and what to do now. */
function withdrawn(id: string): string {
  return (
    'Where its secret was rotated, write the new one into sandbox-client.json as client_secret; ' +
    `"unwind clients show ${id}" says whether the client is disabled, and which keys it has.`
  );
}
