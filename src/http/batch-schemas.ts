// The shapes of requests about batches.

import { Type } from 'typebox';
import { accountStatuses, batchTransitions } from '../batches/batch.ts';
import { accountsOfBatchMax, batchRateMax } from '../batches/limits.ts';
import { liquidationTransitions } from '../liquidations/liquidation.ts';
import { cursorPaging, personText, reasonText } from './control-schemas.ts';
import { moment, only, some, uuid, whole } from './members.ts';

const reason = reasonText('Why, for those who ask later.');
const person = personText('Who has decided it.');

const batchStatuses = Object.keys(batchTransitions) as (keyof typeof batchTransitions)[];
const liquidationStatuses = Object.keys(
  liquidationTransitions,
) as (keyof typeof liquidationTransitions)[];

export const createBatchBody = only({
  accounts: Type.Array(
    only({
      account_id: uuid('The account.'),
      user_id: Type.Optional(uuid('The user who has to own it; absent: any.')),
    }),
    {
      minItems: 1,
      maxItems: accountsOfBatchMax,
      description: 'Each account once. They are started in this order.',
    },
  ),
  rate: Type.Optional(
    whole('Accounts a minute at most; absent: as fast as they can be started.', {
      minimum: 1,
      maximum: batchRateMax,
    }),
  ),
  in_progress_max: Type.Optional(
    whole('Liquidations of the batch that may be open at once; absent: any number.', {
      minimum: 1,
      maximum: accountsOfBatchMax,
    }),
  ),
  start_at: Type.Optional(
    moment('When it starts, by the wall clock; absent: at once.', '2022-10-14T08:00:00Z'),
  ),
  reason,
  person,
});

export const steerBatchBody = only({ reason, person });

export const listBatchesQuery = only({
  ...cursorPaging,
  status: Type.Optional(some(batchStatuses, 'Only batches of this status.')),
});

export const listBatchAccountsQuery = only({
  ...cursorPaging,
  status: Type.Optional(some(accountStatuses, 'Only accounts of which this became.')),
  liquidation_status: Type.Optional(
    some(liquidationStatuses, 'Only accounts whose liquidation has this status.'),
  ),
});
