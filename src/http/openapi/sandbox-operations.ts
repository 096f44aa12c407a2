// What the document says of the operations that only a sandbox has: of the book, the market, signatures, faults of
// deliveries, and tunnels.

import { Type } from 'typebox';
import { faultsShape, setFaultsBody } from '../delivery-schemas.ts';
import { applyDeltasBody, controlMarketBody, marketShape } from '../market-schemas.ts';
import { instant, shape, some, text, uuid } from '../members.ts';
import { inspectBody } from '../schemas.ts';
import { inspection, inspectionExample, inspectionRequest } from './inspection.ts';
import { liveness } from './objects.ts';
import { exampleOf, type OperationPart, responseOf } from './operation.ts';

const appliedDelta = shape('Applied delta', {
  type: Type.Enum(['credit', 'lock', 'unlock'], { type: 'string' }),
  account_id: Type.String({ format: 'uuid' }),
  isin: Type.String({ minLength: 12, maxLength: 12 }),
  quantity: text('A decimal.'),
  reference: Type.String(),
  outcome: some(['applied', 'repeated'], 'Repeated: its reference was known, so nothing changed.'),
});

const delta = {
  type: 'credit',
  account_id: 'debf2026-f2da-4ff0-bb84-92e45babb1e3',
  isin: 'DE0007164600',
  quantity: '2.5',
  reference: 'purchase-2026-01-05-17',
} as const;

const market = {
  clock: { market_time: '2026-01-05T09:00:00.000Z', ahead_ms: 0 },
  venue: { mic: 'XSIM', open: true, trading: 'calendar', reachable: true, calendar: {} },
  halted: [],
  behaviours: [],
  seed: '',
} as const;

const closedMarket = { ...market, venue: { ...market.venue, open: false, trading: 'closed' } };

const faults = {
  webhook_id: 'b838bde5-b6df-4f1f-bfc4-71d3fb01d430',
  twice: true,
  signature: 'wrong',
  one_in: 3,
  ends_at: '2026-01-05T10:00:00.000Z',
} as const;

const noFaults = { webhook_id: faults.webhook_id, ends_at: null } as const;

const faultsNow = responseOf('The faults now.', faultsShape, {
  some: { summary: 'One of three requests is doubled and signed wrongly', value: faults },
  none: { summary: 'None', value: noFaults },
});

const noSuchSubscription = { not_found: 'This client has no such subscription.' };

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

export const sandboxOperations = {
  show_market: {
    tag: 'Sandbox',
    summary: 'Show the simulated market',
    description:
      'Its clock, whether it trades, what is halted, and which behaviours were asked of it. The market is one ' +
      'for all clients of a sandbox.',
    success: responseOf(
      'The market now.',
      marketShape,
      exampleOf('usual', 'As it is at first', market),
    ),
  },
  control_market: {
    tag: 'Sandbox',
    summary: 'Change the simulated market',
    description:
      'Moves the market clock forward, opens and closes the venue, takes it away and brings it back, ' +
      'halts and resumes instruments, makes the venue lie, and forces what becomes of your orders. All ' +
      'members of a body are carried out in the order in which they stand here, or none of them. The ' +
      'market is one for all clients of a sandbox: every client with the scope changes it for all of them.',
    body: {
      schema: controlMarketBody,
      examples: {
        close: { summary: 'The venue closes', value: { venue: { trading: 'closed' } } },
        tomorrow: { summary: 'A day passes', value: { clock: { advance_ms: 86_400_000 } } },
        lie: {
          summary: 'Every third order is reported twice and in any order',
          value: { behaviours: [{ repeats_reports: true, shuffles_reports: true, one_in: 3 }] },
        },
      },
    },
    success: responseOf(
      'The market as it is then.',
      marketShape,
      exampleOf('closed', 'Closed', closedMarket),
    ),
    refusals: {
      not_found: 'This client has no such order; nothing was changed.',
      conflict:
        'The clock would go back, an order cannot come to that outcome, or the first request under ' +
        'this key has not ended yet; nothing was changed.',
      unprocessable_content: 'The idempotency key was used for another request.',
    },
  },
  apply_position_deltas: {
    tag: 'Sandbox',
    summary: 'Change positions',
    description:
      'Applies changes of positions in the order given, all or none, also while a liquidation runs on ' +
      'the account: a `credit` adds a quantity, a `lock` keeps some of it from being sold, an `unlock` ' +
      'gives it free. Each has a `reference`; one that is known already changes nothing.',
    body: {
      schema: applyDeltasBody,
      examples: exampleOf('credit', 'A purchase arrives', { deltas: [delta] }),
    },
    success: responseOf(
      'What became of each change, in the order given.',
      Type.Object({ data: Type.Array(appliedDelta) }),
      exampleOf('applied', 'Applied', { data: [{ ...delta, outcome: 'applied' }] }),
    ),
    refusals: {
      not_found: 'This client has no such account or instrument; nothing was applied.',
      conflict:
        'More would be locked or given free than there is, or the first request under this key has ' +
        'not ended yet; nothing was applied.',
      unprocessable_content:
        'The idempotency key was used for another request, or a `reference` for another change.',
    },
  },
  inspect_signature: {
    tag: 'Sandbox',
    summary: 'Explain a signature',
    description:
      'Takes a request as text and says in which dialect it is signed and why it is read so, the ' +
      'signature base as the service computes it, what has to be covered and is not, whether the ' +
      'digest is that of the body, and everything that is wrong, with how to mend it. Needs neither ' +
      'token nor signature and uses nothing up. The text may also be sent alone as `message/http`.',
    isUnsigned: true,
    body: {
      schema: inspectBody,
      examples: exampleOf('request', 'A GET', inspectionRequest),
    },
    success: responseOf(
      'What was found.',
      inspection,
      exampleOf('refused', 'A component is missing', inspectionExample),
    ),
    refusals: {
      bad_request: 'The text is no request, or a member is missing or malformed.',
    },
  },
  show_webhook_faults: {
    tag: 'Sandbox',
    summary: 'Show the faults of deliveries',
    description: 'What was asked of the deliveries of this subscription and has not ended.',
    success: faultsNow,
    refusals: noSuchSubscription,
  },
  set_webhook_faults: {
    tag: 'Sandbox',
    summary: 'Make deliveries go wrong',
    description:
      'From now on the deliveries of this subscription come late, in bursts, twice, with a signature that ' +
      'does not hold or a key that is not known, with a pause in the middle, or not at all for a while. ' +
      'The faults take the place of those there were, and end by themselves. The delivery log names ' +
      'those of each attempt in `faults`. What you refuse comes again, as always; events keep their ids, ' +
      'and those of one account their order.',
    body: {
      schema: setFaultsBody,
      examples: {
        doubled: {
          summary: 'One of three requests is doubled and signed wrongly, for an hour',
          value: { twice: true, signature: 'wrong', one_in: 3 },
        },
        silent: { summary: 'Nothing for ten minutes', value: { silent_s: 600 } },
      },
    },
    success: faultsNow,
    refusals: {
      ...noSuchSubscription,
      bad_request: 'The body asks for no fault, or a member is malformed.',
    },
  },
  end_webhook_faults: {
    tag: 'Sandbox',
    summary: 'End the faults of deliveries',
    description: 'What was held back is delivered now. Without faults this changes nothing.',
    success: { status: 204, description: 'There are none any more.' },
    refusals: noSuchSubscription,
  },
  check_events_acceptor: {
    tag: 'Sandbox',
    summary: 'Is there a tunnel for webhooks?',
    description:
      'Needs neither token nor signature. Where there is no tunnel, as in live mode: 404.',
    success: responseOf('There is.', liveness, exampleOf('alive', 'Alive', { status: 'alive' })),
  },
  open_events_endpoint: {
    tag: 'Sandbox',
    summary: 'Open an endpoint for webhooks',
    description:
      'Makes an address that a subscription can name, and that keeps what is delivered there until you ask ' +
      'for it: at most 1,000 requests and 8 MiB; beyond that deliveries are answered 503, and the ' +
      'events wait. An endpoint is closed when it is not asked for within 10 minutes; deliveries to it are then ' +
      'answered 410, which disables their subscription. A body is not looked at.',
    success: responseOf(
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
      'events. A response has at most 100 requests and about 4 MiB.',
    success: responseOf(
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
