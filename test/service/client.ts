// The client of a sandbox's file, as commands use it, with the patience of tests: on a busy machine an answer may
// take longer than the quarter of a minute that is usual.
import { Client } from '@unwind/client';
import { clientOptionsOf, type SandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { patienceMs } from './processes.ts';

export async function clientOf(sandbox: SandboxClient): Promise<Client> {
  const retry = { attemptMs: patienceMs, deadlineMs: patienceMs };
  return new Client({ ...(await clientOptionsOf(sandbox)), retry });
}
