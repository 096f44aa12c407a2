// Names of persons: whether two are one, those under which the service itself acts, which no person takes, and who
// runs this process.

import { userInfo } from 'node:os';

/** As whom the service acts by itself. */
export const servicePersons = {
  /** Sets a halt where a venue has rejected too much. */
  rejections: 'control rejections',
  /** Cancels a batch that no second person has approved in time. */
  fourEyes: 'control four_eyes',
} as const;

/** What is the same of names that one reader takes for one: case, width, spaces and what is not seen make no other. */
export function nameKey(name: string): string {
  const seen = name.normalize('NFKC').replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '');
  return seen.trim().replaceAll(/\s+/gu, ' ').toLowerCase();
}

/** Whether a name is, or looks like, one of the service. */
export function isServicePerson(name: string): boolean {
  return Object.values(servicePersons).some((one) => nameKey(one) === nameKey(name));
}

/** Who runs this process, as the operating system knows them. */
export function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`; // a user without an entry, as in a container
  }
}
