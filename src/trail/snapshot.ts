// Which transactions a seal and those before it hold, as PostgreSQL writes a snapshot: `xmin:xmax:xip,…`. Below
// xmin all, from xmax on none, in between all but those listed. Pure.

export interface Snapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
  /** That were under way, between the two. */
  readonly underWay: readonly bigint[];
}

/** Before any seal: nothing. */
export const noneYet: Snapshot = { xmin: 1n, xmax: 1n, underWay: [] };

export function parseSnapshot(text: string): Snapshot {
  const [xmin = '', xmax = '', list = ''] = text.split(':');
  const underWay = list === '' ? [] : list.split(',').map(BigInt);
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), underWay };
}

export function snapshotText({ xmin, xmax, underWay }: Snapshot): string {
  return `${xmin}:${xmax}:${underWay.join(',')}`;
}

/** The same as this database counts (see `order_offset`). */
export function shifted({ xmin, xmax, underWay }: Snapshot, by: bigint): Snapshot {
  return { xmin: xmin + by, xmax: xmax + by, underWay: underWay.map((one) => one + by) };
}

/** Whether something of this order of commits is in it. */
export function holds({ xmin, xmax, underWay }: Snapshot, order: bigint): boolean {
  return order < xmin || (order < xmax && !underWay.includes(order));
}

/**
 * What is in one snapshot, and what is in a later one below a place in the order of commits.
 * @param cut undefined: all of the later one.
 */
export function grownTo(before: Snapshot, now: Snapshot, cut: bigint | undefined): Snapshot {
  const end = cut === undefined || cut > now.xmax ? now.xmax : cut;
  const xmax = end > before.xmax ? end : before.xmax;
  const late = before.underWay.filter((one) => one >= end || !holds(now, one));
  const fresh = now.underWay.filter((one) => one >= before.xmax && one < xmax);
  const underWay = [...late, ...fresh];
  return { xmin: underWay[0] ?? xmax, xmax, underWay };
}
