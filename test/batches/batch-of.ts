// A batch as a value, for what needs no database.
import type { Batch } from '../../src/batches/batch.ts';
import { newId } from '../../src/ids.ts';

const at = new Date('2026-01-05T09:00:00Z');

export function batchOf(differing: Partial<Batch>): Batch {
  return {
    tenantId: newId<'tenant'>(),
    batchId: newId<'batch'>(),
    status: 'SCHEDULED',
    reason: 'A test',
    person: 'Tester',
    accounts: 1,
    rate: undefined,
    inProgressMax: undefined,
    startAt: at,
    createdAt: at,
    updatedAt: at,
    startedAt: undefined,
    endedAt: undefined,
    value: undefined,
    approvalId: undefined,
    started: 0,
    refused: 0,
    cancelled: 0,
    steered: undefined,
    pausedMs: 0,
    eventCount: 1,
    pacedTo: undefined,
    passed: 0,
    progress: undefined,
    progressAt: undefined,
    ...differing,
  };
}
