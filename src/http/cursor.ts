// Places in the event log and in lists as clients get them: opaque, and only good for going on from there.

import type { Id } from '../ids.ts';
import type { ActPlace } from '../trail/acts-store.ts';

export const cursorForm = /^e[0-9]{1,15}$/;

/** The cursor of a position in the log of a tenant. */
export function toCursor(position: number): string {
  return `e${position}`;
}

/** The position of a cursor that has the form. */
export function positionOf(cursor: string): number {
  return Number(cursor.slice(1));
}

export const idCursorForm = /^k[0-9a-f]{32}$/;

/** The cursor of a thing in a list that goes on by id. */
export function toIdCursor(id: string): string {
  return `k${id.replaceAll('-', '')}`;
}

/** The id of a cursor that has the form. */
export function idOf<Thing extends string>(cursor: string): Id<Thing> {
  const [, ...parts] = /^k(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(cursor) ?? [];
  return parts.join('-') as Id<Thing>;
}

export const actCursorForm = /^a[0-9]{1,18}-[0-9a-f]{32}$/;

/** The cursor of an act in the list of a tenant. */
export function toActCursor({ order, id }: ActPlace): string {
  return `a${order}-${id.replaceAll('-', '')}`;
}

/** The place of a cursor that has the form. */
export function actPlaceOf(cursor: string): ActPlace {
  const [order = '', id = ''] = cursor.slice(1).split('-');
  return { order, id: idOf(`k${id}`) };
}
