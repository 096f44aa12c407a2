// What the document says of the operations on batches.

import {
  createBatchBody,
  listBatchAccountsQuery,
  listBatchesQuery,
  steerBatchBody,
} from '../batch-schemas.ts';
import { batch, batchAccount, batchWithProgress } from './batch-objects.ts';
import { cursorPageOf, exampleOf, type OperationPart, responseOf } from './operation.ts';

const at = '2021-07-21T14:10:00.000Z';
const noSuchBatch = 'This client has no such batch, or the id is no UUID.';
const accountId = '6f8b9a70-1f1e-4f3e-9b1f-5d6a0f2c8e11';

const view = {
  id: '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e60',
  status: 'RUNNING',
  reason: 'The product ends',
  person: 'A. Risk',
  rate: 6_000,
  in_progress_max: 2_000,
  start_at: at,
  created_at: at,
  updated_at: at,
  started_at: at,
  accounts: { total: 10_000, waiting: 8_000, started: 1_999, refused: 1, cancelled: 0 },
} as const;

const progress = {
  ...view,
  liquidations: { new: 20, processing: 180, filled: 1_799, cancelled: 0 },
  money: { currency: 'EUR', cash_amount: '2417300.55', proceeds: '2104117.02' },
  estimated_end_at: '2021-07-21T14:12:00.000Z',
} as const;

const accountView = {
  account_id: accountId,
  number: 1,
  status: 'STARTED',
  decided_at: at,
  liquidation: {
    id: '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e61',
    status: 'FILLED',
    cash_amount: '1042.17',
    proceeds: '1042.17',
  },
} as const;

const refusedView = {
  account_id: '6f8b9a70-1f1e-4f3e-9b1f-5d6a0f2c8e12',
  number: 2,
  status: 'REFUSED',
  decided_at: at,
  refusal: {
    code: 'liquidation_running',
    detail: 'Another liquidation of the account was still running.',
    account_liquidation_id: '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e62',
  },
} as const;

const steering = {
  body: {
    schema: steerBatchBody,
    examples: exampleOf('steer', 'By whom, and why', { reason: 'Prices', person: 'A. Risk' }),
  },
} as const;

const steered = {
  status: 200,
  description: 'The batch as it is now.',
  body: {
    schema: batchWithProgress,
    examples: exampleOf('batch', 'As it is now', progress),
  },
  headers: ['IdempotencyReplayed'],
} as const;

export const batchOperations = {
  list_batches: {
    tag: 'Control',
    summary: 'List batches',
    description: 'The batches of this client, the newest first.',
    query: listBatchesQuery,
    success: cursorPageOf(batch, 'A page of batches.', 'One that runs', [view]),
  },
  create_batch: {
    tag: 'Control',
    summary: 'Liquidate many accounts',
    description:
      'Liquidates up to 100,000 accounts, by the rules by which one is: each is started once, or refused ' +
      'with the reason. The body may have 12 MiB. Halts hold what a batch has started as they hold anything ' +
      'else. The same request with the same idempotency key makes no second batch. Where it could sell more than ' +
      '`four_eyes_max` of the controls, it is PENDING_APPROVAL until a second person has approved it, and cancelled ' +
      'where none does within 24 hours.',
    body: {
      schema: createBatchBody,
      examples: exampleOf('two', 'Two accounts, slowly', {
        accounts: [{ account_id: accountId }, { account_id: refusedView.account_id }],
        rate: 60,
        in_progress_max: 10,
        reason: 'The product ends',
        person: 'A. Risk',
      }),
    },
    success: responseOf(
      'It is there, and starts when it is due and, where it needs that, approved.',
      batchWithProgress,
      exampleOf('batch', 'Scheduled', {
        ...view,
        status: 'SCHEDULED',
        accounts: { total: 2, waiting: 2, started: 0, refused: 0, cancelled: 0 },
        liquidations: { new: 0, processing: 0, filled: 0, cancelled: 0 },
        money: { currency: 'EUR', cash_amount: '0.00', proceeds: '0.00' },
      }),
      201,
    ),
    refusals: {
      conflict: 'The first request under this key is still running.',
      too_many_requests: 'Too many requests, or 1,000 batches of this client are open.',
      service_unavailable:
        'Other large requests are being read, or the database cannot serve the request now: try again.',
    },
  },
  retrieve_batch: {
    tag: 'Control',
    summary: 'Retrieve a batch',
    description: 'The batch, how far its liquidations are, and their money.',
    success: responseOf(
      'The batch as it is now.',
      batchWithProgress,
      exampleOf('batch', 'One that runs', progress),
    ),
    refusals: { not_found: noSuchBatch },
  },
  list_batch_accounts: {
    tag: 'Control',
    summary: 'List the accounts of a batch',
    description: 'Each account with its liquidation, or why it has none, by the ids of accounts.',
    query: listBatchAccountsQuery,
    success: cursorPageOf(batchAccount, 'A page of accounts.', 'One sold, one refused', [
      accountView,
      refusedView,
    ]),
    refusals: { not_found: noSuchBatch },
  },
  pause_batch: {
    tag: 'Control',
    summary: 'Pause a batch',
    description:
      'From the response on no further account is started. Liquidations that were started go on.',
    ...steering,
    success: steered,
    refusals: { not_found: noSuchBatch, conflict: 'It is neither SCHEDULED nor RUNNING.' },
  },
  resume_batch: {
    tag: 'Control',
    summary: 'Resume a batch',
    description: 'It goes on where it was paused.',
    ...steering,
    success: steered,
    refusals: { not_found: noSuchBatch, conflict: 'It is not PAUSED.' },
  },
  cancel_batch: {
    tag: 'Control',
    summary: 'Cancel a batch',
    description:
      'From the response on no further account is started. Liquidations of it that are still NEW are cancelled, ' +
      'as their DELETE would; what is being sold goes on to its end, and the batch is CANCELLED when it has ended.',
    ...steering,
    success: steered,
    refusals: {
      not_found: noSuchBatch,
      conflict: 'It is CANCELLING, CANCELLED or COMPLETED.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
