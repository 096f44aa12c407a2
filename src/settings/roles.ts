// What a process of the service does: answer requests (api), do the work (worker), or both.

export const roles = ['api', 'worker'] as const;
export type Role = (typeof roles)[number];

/** Reads a list such as `api,worker`. @throws RangeError that says what is wrong with it. */
export function parseRoles(text: string): ReadonlySet<Role> {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw new RangeError('names no role');
  const unknown = names.filter((name) => !roles.some((role) => role === name));
  if (unknown.length > 0) {
    throw new RangeError(`names ${unknown.join(', ')}; the roles are ${roles.join(' and ')}`);
  }
  return new Set(roles.filter((role) => names.includes(role)));
}
