// Places in the event log as clients get them: opaque, and only good for going on from there.

export const cursorForm = /^e[0-9]{1,15}$/;

/** The cursor of a position in the log of a tenant. */
export function toCursor(position: number): string {
  return `e${position}`;
}

/** The position of a cursor that has the form. */
export function positionOf(cursor: string): number {
  return Number(cursor.slice(1));
}
