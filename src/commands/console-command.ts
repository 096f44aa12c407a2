// `unwind console`: prints a link that signs one person in at the console of a sandbox.

import { linkAddress, makeLink } from '../console/sessions.ts';
import { readSandboxClient } from '../sandbox/sandbox-client.ts';
import { sandboxPerson } from '../service.ts';
import type { Config } from '../settings/config.ts';
import { signsInByLink } from '../settings/console-settings.ts';
import { allTenants } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { actOfCommand } from './acting.ts';
import type { OnDatabase } from './run.ts';
import { UsageError } from './usage-error.ts';

export async function runConsole(
  { sql, clock, stdout }: OnDatabase,
  config: Config,
): Promise<number> {
  if (!signsInByLink(config)) {
    throw new UsageError(
      'links sign in at a sandbox that listens on this machine alone: the console of another service takes none.',
    );
  }
  const sandbox = await readSandboxClient(config.home);
  if (sandbox === undefined) {
    throw new UsageError(`nothing has started in ${config.home} yet: run "unwind start" first.`);
  }
  const secret = await makeLink(sql, clock, sandboxPerson);
  const { name: person, role } = sandboxPerson;
  const detail = `signs in ${person} as ${role}`;
  const act = actOfCommand(clock.now(), {
    operation: 'make_console_link',
    target: '/console',
    detail,
  });
  await recordAct(sql, allTenants, act);
  stdout.write(`${linkAddress(sandbox.base_url, secret)}\n`);
  return 0;
}
