// Waits for a process to come to a point, and holds it there until somebody has decided what becomes
// of it. Counts every point that was passed, so that one which nobody ever comes to is found.
import type { Point } from './points.ts';

/** A process that stands at a point. */
export interface Caught<Member> {
  readonly member: Member;
  /** Lets the message go on, or drops it with its connection. */
  release(goesOn: boolean): void;
}

interface Armed<Member> {
  readonly point: Point;
  readonly accepts: (member: Member) => boolean;
  readonly sprung: PromiseWithResolvers<Caught<Member>>;
}

export class Trap<Member> {
  #armed: Armed<Member> | undefined;
  readonly #passed = new Map<Point, number>();

  /** How often each point was passed so far. */
  get passed(): ReadonlyMap<Point, number> {
    return this.#passed;
  }

  /** A member comes to a point. @returns undefined to go on, or what will be decided. */
  pass(member: Member, point: Point): Promise<boolean> | undefined {
    this.#passed.set(point, (this.#passed.get(point) ?? 0) + 1);
    const armed = this.#armed;
    if (armed === undefined || armed.point !== point || !armed.accepts(member)) return undefined;
    this.#armed = undefined;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    armed.sprung.resolve({ member, release: resolve });
    return promise;
  }

  /** Catches the next member that comes to a point. One trap at a time. */
  arm(point: Point, accepts: (member: Member) => boolean = () => true): Promise<Caught<Member>> {
    const sprung = Promise.withResolvers<Caught<Member>>();
    this.#armed = { point, accepts, sprung };
    return sprung.promise;
  }

  /** Whether the next member that comes to a point would be caught. */
  isSetAt(point: Point): boolean {
    return this.#armed?.point === point;
  }

  disarm(): void {
    this.#armed = undefined;
  }
}
