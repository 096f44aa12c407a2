// What a command changes stands in the trail under the person who ran it.

import { hostname } from 'node:os';
import type { Asker } from '../approvals/approval.ts';
import { nameOfUser } from '../person-name.ts';
import type { Act } from '../trail/act.ts';

/** What a command does, and for whom. */
export interface CommandAct extends Pick<Act, 'operation' | 'target'> {
  /** Who has decided it; default who runs it. */
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  readonly detail?: string | undefined;
}

/** Who has decided what a command changes, and why. */
export interface By {
  readonly reason: string;
  readonly actor: string;
}

/** The act of a command, by the user of the operating system on this machine. */
export function actOfCommand(
  at: Date,
  { actor = nameOfUser(), operation, target, reason, detail }: CommandAct,
): Act {
  const origin = placeOfCommand();
  const by = { kind: 'command', name: actor, role: undefined, origin } as const;
  return { ...by, at, operation, target, reason, detail, requestSha256: undefined };
}

/** User and machine, such as `ops@db-1`. */
function placeOfCommand(): string {
  return `${nameOfUser()}@${hostname()}`;
}

/** Who runs a command: the name that is given, of the user on this machine. */
export function askerOfCommand(person: string): Asker {
  return { person, kind: 'command', actor: placeOfCommand() };
}
