// How commands reach a running sandbox: as the client that `unwind start` has written down.

import { ApiError, Client, NoAnswerError } from '@unwind/client';
import {
  clientOptionsOf,
  readSandboxClient,
  type SandboxClient,
} from '../sandbox/sandbox-client.ts';
import { type Config, ConfigError } from '../settings/config.ts';
import { UsageError } from './usage-error.ts';

export interface SandboxAccess {
  readonly sandbox: SandboxClient;
  readonly client: Client;
}

/** @throws ConfigError when no service has been started on this home yet. */
export async function openSandbox(config: Pick<Config, 'home'>): Promise<SandboxAccess> {
  const sandbox = await readSandboxClient(config.home);
  if (sandbox === undefined) {
    throw new ConfigError(`There is no sandbox client in ${config.home}: run "unwind start".`);
  }
  return { sandbox, client: await clientOf(sandbox) };
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
  if (error instanceof NoAnswerError) {
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
