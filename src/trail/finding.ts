// What verifying the trail can find. Pure.

import type { TenantId } from '../ids.ts';

/** What is not as it was, each with what it says of its subject. */
const findingKinds = {
  act_edited: 'is not as it was sealed',
  act_removed: 'was sealed, and is not there any more',
  act_inserted: 'is at a place that no seal holds, and that could not be its own',
  act_unsealed: 'is in no seal after a minute: no worker seals, or it was put there',
  act_backdated: 'says that it is older than the seal before its own',
  record_edited: 'is not as it was sealed',
  record_removed: 'was sealed, and is not there any more',
  record_inserted: 'is at a place that no seal holds, and that could not be its own',
  row_edited: 'is not as it was recorded',
  row_removed: 'was recorded, and is not there any more',
  row_inserted: 'was recorded by no statement of the service',
  row_backdated: 'says that it is older than the seal before its own',
  row_contradicted: 'contradicts what is recorded',
  seal_edited: 'is not what its hash says',
  seal_missing: 'is not there any more',
  seal_unlinked:
    'does not follow the one before it: that one was made anew, or this one is of elsewhere',
  seal_backdated: 'is dated before what it follows: the clock was set back',
  chain_cut: 'ends before what was signed',
  chain_rewritten: 'is another than what was signed',
  chain_removed: 'was signed, and is not there any more',
  chain_replaced: 'is another chain than the one that was signed',
  checkpoint_unsigned: 'has a signature that does not hold',
  checkpoint_missing: 'is not there any more',
  checkpoint_turned_back: 'says less than one before it',
} as const;

export type FindingKind = keyof typeof findingKinds;

export interface Finding {
  readonly kind: FindingKind;
  /** Undefined: of no one tenant. */
  readonly tenantId: TenantId | undefined;
  /** Such as `movement` and its id, or `seal` and its number. */
  readonly subject: string;
  readonly id: string;
  readonly message: string;
}

/** Findings as they come: so many in full, the others counted. */
export class Findings {
  readonly listed: Finding[] = [];
  total = 0;
  readonly #listedMax: number;

  constructor(listedMax: number) {
    this.#listedMax = listedMax;
  }

  add(
    kind: FindingKind,
    { tenantId, subject, id, more = '' }: Omit<Finding, 'kind' | 'message'> & { more?: string },
  ): void {
    this.total += 1;
    if (this.listed.length >= this.#listedMax) return;
    const message = `${subject} ${id} ${findingKinds[kind]}${more}`;
    this.listed.push({ kind, tenantId, subject, id, message });
  }
}
