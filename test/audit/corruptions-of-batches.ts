// Corruptions of batches and of their accounts.

import { all, type Corruption, remove, set, stranger } from './corrupt.ts';

const batches = 'unwind.batches';
const accounts = 'unwind.batch_accounts';
const liquidations = 'unwind.liquidations';
const events = 'unwind.events';
const approvals = 'unwind.approvals';
const itsBatch = 'v.batch_id::text';
const itsPlace = "v.batch_id || '/' || v.account_id";
const ofBatch = "starts_with(type, 'BATCH.')";

export const corruptionsOfBatches: readonly Corruption[] = [
  ...['accounts', 'started', 'refused', 'cancelled'].map((column) => ({
    what: `a batch counts one more of ${column}`,
    victims: all(batches),
    change: set(batches, `${column} = t.${column} + 1`),
    check: 'batches_count_their_accounts',
    subject: itsBatch,
  })),
  {
    what: 'an account of a batch is lost',
    victims: all(accounts),
    change: remove(accounts),
    check: 'batches_count_their_accounts',
    subject: itsBatch,
  },
  {
    what: 'an account that waits is called started',
    victims: all(accounts, "status <> 'STARTED'"),
    change: set(accounts, "status = 'STARTED'"),
    check: 'batch_accounts_have_one_outcome',
    subject: itsPlace,
  },
  {
    what: 'an account of a batch has another liquidation than it started',
    victims: all(accounts, "status = 'STARTED'"),
    change: set(accounts, `liquidation_id = ${stranger}`),
    check: 'batch_accounts_have_one_outcome',
    subject: itsPlace,
  },
  {
    what: 'a liquidation of a batch is called one of a client',
    victims: all(liquidations, 'batch_id is not null'),
    change: set(liquidations, 'batch_id = null'),
    check: 'batch_accounts_have_one_outcome',
    subject: itsPlace,
  },
  {
    what: 'an account is refused for a liquidation that is not its own',
    victims: all(accounts, 'running_id is not null'),
    change: set(accounts, `running_id = ${stranger}`),
    check: 'batch_accounts_are_refused_for_cause',
    subject: itsPlace,
  },
  {
    what: 'a batch is called complete while something of it is open',
    victims: all(batches, "status in ('RUNNING', 'PAUSED', 'SCHEDULED', 'PENDING_APPROVAL')"),
    change: set(batches, "status = 'COMPLETED'"),
    check: 'batches_end_when_all_has_ended',
    subject: itsBatch,
  },
  {
    what: 'a batch is faster than its rate',
    victims: all(batches, 'started + refused > 1'),
    change: set(batches, 'rate = 1'),
    check: 'batches_keep_their_rate',
    subject: itsBatch,
  },
  {
    what: 'an event of a batch is lost',
    victims: all(events, ofBatch),
    change: remove(events),
    check: 'events_tell_the_batch',
    subject: 'v.liquidation_id::text',
  },
  {
    what: 'an event of a batch tells something else',
    victims: all(events, `${ofBatch} and type <> 'BATCH.PROGRESS'`),
    change: set(events, "type = 'BATCH.PROGRESS'"),
    check: 'events_tell_the_batch',
    subject: 'v.liquidation_id::text',
  },
  {
    what: 'a batch that could sell too much for one person is begun by one',
    victims: all(batches, 'started_at is not null and approval_id is null'),
    change: [
      set(batches, 'value = 100'),
      `insert into unwind.controls (tenant_id, controls_id, four_eyes_max, reason, person, set_at)
       select v.tenant_id, gen_random_uuid(), 99.5, 'Four eyes', 'Tester', v.created_at - interval '1 hour'
       from v`,
    ],
    check: 'batches_had_two_persons',
    subject: itsBatch,
  },
  {
    what: 'a batch that waits for a second person is begun',
    victims: all(batches, "status = 'PENDING_APPROVAL'"),
    change: set(batches, "status = 'RUNNING', started_at = t.created_at"),
    check: 'batches_had_two_persons',
    subject: itsBatch,
  },
  {
    what: 'the approval of a batch is lost',
    victims: all(approvals, "decision = 'approved' and batch_id is not null"),
    change: remove(approvals),
    check: 'batches_had_two_persons',
    subject: itsBatch,
  },
  {
    what: 'a batch was approved by who has asked',
    victims: all(approvals, "decision = 'approved' and batch_id is not null"),
    change: set(approvals, 'decided_by = upper(t.person)'),
    check: 'batches_had_two_persons',
    subject: itsBatch,
  },
  {
    what: 'a batch is paused without an event',
    victims: all(batches, "status <> 'PAUSED'"),
    change: set(batches, "status = 'PAUSED'"),
    check: 'events_tell_the_batch',
    subject: itsBatch,
  },
];
