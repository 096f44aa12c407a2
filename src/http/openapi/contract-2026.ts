// The later contract, as far as it differs from the reference: what clients get that have chosen it
// (docs/integrators/contract-2026.md). A document of that profile has these parts instead of those of the same names.

import { type TSchema, Type } from 'typebox';
import { laterListAllLiquidationsQuery } from '../control-schemas.ts';
import { shape, some, text } from '../members.ts';
import { laterCreateLiquidationBody, laterListLiquidationsQuery } from '../schemas.ts';
import { execution } from './book-objects.ts';
import { overviewOf, storyOf } from './control-objects.ts';
import { controlOperations, liquidationsPage } from './control-operations.ts';
import { createRequest } from './examples.ts';
import {
  liquidationOperations,
  scheduledOf,
  scheduleOperations,
} from './liquidation-operations.ts';
import {
  event,
  eventTypes,
  liquidation,
  loggedText,
  type named,
  statuses,
  statusText,
} from './objects.ts';
import { exampleOf, type OperationPart } from './operation.ts';
import type { OperationId } from './operations.ts';

const laterLiquidation = shape('Liquidation', {
  ...liquidation.properties,
  status: some(
    [...statuses, 'SETTLED'],
    `${statusText} SETTLED: FILLED before, and all that it earned is settled.`,
  ),
  business_id: Type.Optional(
    Type.Null({
      description: 'Null: accounts belong to users here. Absent where it was created before.',
    }),
  ),
  fee_collection_id: Type.Optional(
    Type.Null({
      description: 'Null: fees are not collected here. Absent where it was created before.',
    }),
  ),
});

const laterEventType = some([...eventTypes, 'ACCOUNT_LIQUIDATION.SETTLED'], 'What happened.');

const laterEvent = shape(
  'Event',
  { ...event.properties, type: laterEventType },
  { description: 'A change of a liquidation, with the object as it was right after that change.' },
);

const laterExecution = shape('Execution', {
  ...execution.properties,
  settlement_date: Type.Optional(
    text(
      'The day on which it settles, by the calendar of its venue. Absent where the liquidation was created before.',
      { format: 'date' },
    ),
  ),
});

/** The schemas by name, in place of those of the reference. */
export const laterNamed: Readonly<Partial<Record<keyof typeof named, TSchema>>> = {
  Liquidation: laterLiquidation,
  Event: laterEvent,
  LoggedEvent: Type.Omit(laterEvent, ['webhook_id'], loggedText),
  Execution: laterExecution,
};

const { list_accounts_liquidations: list, create_account_liquidation: create } =
  liquidationOperations;
const laterOverview = overviewOf(laterLiquidation);

/** The operations that differ. */
export const laterOperations: Readonly<Partial<Record<OperationId, OperationPart>>> = {
  list_accounts_liquidations: { ...list, query: laterListLiquidationsQuery },
  create_account_liquidation: {
    ...create,
    body: {
      schema: laterCreateLiquidationBody,
      examples: exampleOf('request', 'The owner of the account', createRequest),
    },
  },
  list_liquidations: {
    ...controlOperations.list_liquidations,
    query: laterListAllLiquidationsQuery,
    success: liquidationsPage(laterOverview),
  },
  retrieve_liquidation: {
    ...controlOperations.retrieve_liquidation,
    success: {
      ...controlOperations.retrieve_liquidation.success,
      body: {
        ...controlOperations.retrieve_liquidation.success.body,
        schema: storyOf(laterOverview),
      },
    },
  },
  schedule_liquidation: {
    ...scheduleOperations.schedule_liquidation,
    success: {
      ...scheduleOperations.schedule_liquidation.success,
      body: {
        ...scheduleOperations.schedule_liquidation.success.body,
        schema: scheduledOf(laterLiquidation),
      },
    },
  },
};
