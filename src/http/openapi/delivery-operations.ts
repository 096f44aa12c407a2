// What the document says of the operations on deliveries, and on the log behind them.

import { listDeliveriesQuery, listEventsQuery, replayBody } from '../delivery-schemas.ts';
import { eventPage } from './batch-objects.ts';
import { attemptPage, replayAnswer, testAnswer } from './delivery-objects.ts';
import { attemptView, newEvent, testView } from './examples.ts';

import { answerOf, exampleOf, type OperationPart } from './operation.ts';

const noSuchWebhook = 'This client has no such subscription, or the id is no UUID.';
const { webhook_id: _, ...loggedEvent } = newEvent;

export const deliveryOperations = {
  list_webhook_deliveries: {
    tag: 'Webhooks',
    summary: 'List delivery attempts',
    description:
      'The last attempts of a subscription, newest first: up to 200 that were acknowledged and 300 that ' +
      'failed are kept, and the last tests.',
    query: listDeliveriesQuery,
    success: answerOf(
      'The attempts.',
      attemptPage,
      exampleOf('page', 'One attempt', { data: [attemptView], meta: { count: 1 } }),
    ),
    refusals: { not_found: noSuchWebhook },
  },
  replay_webhook: {
    tag: 'Webhooks',
    summary: 'Deliver events again',
    description:
      'Moves a subscription back in the log, to a time or to an event, or delivers parked ' +
      'events again. Events keep their ids and their bytes. It never moves forward.',
    body: {
      schema: replayBody,
      examples: {
        time: { summary: 'From a time', value: { from: '2026-01-05T09:00:00Z' } },
        aside: { summary: 'What was parked', value: { set_aside: true } },
      },
    },
    success: answerOf(
      'Deliveries begin.',
      replayAnswer,
      exampleOf('replay', 'From a time', { behind: 1042, resumed: 0, gap: null }),
    ),
    refusals: { not_found: `${noSuchWebhook} Or the log has no such event.` },
  },
  test_webhook: {
    tag: 'Webhooks',
    summary: 'Test a subscription',
    description:
      'Posts an event of type `WEBHOOK.TEST` to the receiver, signed as any other and without the faults that a ' +
      'sandbox was asked for, and answers what the ' +
      'receiver said. The event is in no log; the subscription may be disabled.',
    success: answerOf(
      'What the receiver said.',
      testAnswer,
      exampleOf('answer', 'It took the event', testView),
    ),
    refusals: { not_found: noSuchWebhook },
  },
  list_events: {
    tag: 'Webhooks',
    summary: 'List events',
    description:
      'The log of events in the order in which subscriptions get them: the source of truth when ' +
      'deliveries were missed. Begin without a cursor, go on with `meta.next`. The log keeps 90 days; ' +
      'for an older cursor `meta.gap` says what is missing.',
    query: listEventsQuery,
    success: {
      status: 200,
      description: 'A page of the log.',
      body: {
        schema: eventPage,
        examples: exampleOf('page', 'One event', {
          data: [loggedEvent],
          meta: { count: 1, limit: 100, next: 'e1042', has_more: false, gap: null },
        }),
      },
      headers: ['Link'],
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
