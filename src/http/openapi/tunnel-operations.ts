// What the document says of the tunnel that only a sandbox has: webhooks for clients that no receiver of
// theirs can be reached for.

import { Type } from 'typebox';
import { instant, shape, text, uuid } from '../members.ts';
import { liveness } from './objects.ts';
import { answerOf, exampleOf, type OperationPart } from './operation.ts';

const endpoint = shape('Events endpoint', {
  id: uuid('The endpoint, to ask it and to close it.'),
  url: text(
    'Its address, for the `url` of a subscription. It only exists inside the service: nothing is sent ' +
      'over a network.',
  ),
});

const delivery = shape('Delivery through an endpoint', {
  headers: Type.Record(Type.String(), Type.Array(Type.String()), {
    description: 'The headers of the request, with its signature.',
  }),
  payload: text('Its body, byte for byte: the signature covers its digest.'),
  created_at: instant('When it came.'),
});

const id = '0198c5d2-4c3f-7d09-8a5e-3b1f0a6c2d41';
const gone =
  'This client has no such endpoint: it was closed, or was not asked for within 10 minutes.';

export const tunnelOperations = {
  check_events_acceptor: {
    tag: 'Sandbox',
    summary: 'Is there a tunnel for webhooks?',
    description:
      'Needs neither token nor signature. Where there is no tunnel, as in live mode: 404.',
    success: answerOf('There is.', liveness, exampleOf('alive', 'Alive', { status: 'alive' })),
  },
  open_events_endpoint: {
    tag: 'Sandbox',
    summary: 'Open an endpoint for webhooks',
    description:
      'Makes an address that a subscription can name, and that keeps what is delivered there until you ask ' +
      'for it: at most 1,000 requests and 8 MiB; beyond that deliveries are answered 503, and the ' +
      'events wait. An endpoint is closed when it is not asked for within 10 minutes; deliveries to it are then ' +
      'answered 410, which disables their subscription. A body is not looked at.',
    success: answerOf(
      'The endpoint.',
      endpoint,
      exampleOf('opened', 'Opened', { id, url: `https://events-acceptor.invalid/${id}` }),
      201,
    ),
    refusals: { conflict: 'There are 20 endpoints already.' },
  },
  poll_events_endpoint: {
    tag: 'Sandbox',
    summary: 'Take what an endpoint received',
    description:
      'Answers at once where something is there, else as soon as something comes, and after 7 seconds ' +
      'with an empty list: ask again then. What was answered is not there any more; `GET /events` has all ' +
      'events. An answer has at most 100 requests and about 4 MiB.',
    success: answerOf(
      'What was delivered, in the order in which it came.',
      Type.Array(delivery),
      exampleOf('one', 'One delivery', [
        {
          headers: { 'Content-Type': ['application/json'] },
          payload: '{"payload":[]}',
          created_at: '2026-01-05T09:00:00.000Z',
        },
      ]),
    ),
    refusals: { not_found: gone },
  },
  close_events_endpoint: {
    tag: 'Sandbox',
    summary: 'Close an endpoint',
    description: 'What it still holds is dropped. Delete its subscription as well.',
    success: { status: 204, description: 'Closed.' },
    refusals: { not_found: gone },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
