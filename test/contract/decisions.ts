// The points of the contract page, and what proves each: files of tests and how the tests' names begin.
// decisions.test.ts holds the list against the tests, so that it cannot go stale.

/** Where something is proven: a file, and the beginnings of the names of its tests. */
export type Proof = readonly [file: string, ...tests: readonly string[]];

export interface Point {
  readonly about: string;
  /** What the point promises, in few words, and where that is proven. */
  readonly promises: Readonly<Record<string, readonly Proof[]>>;
}

const http = (name: string) => `test/http/${name}.test.ts`;
const engine = 'test/liquidations/engine.test.ts';
const nextStep = 'test/liquidations/next-step.test.ts';
const importFile = 'test/book/import-file.test.ts';
const post = 'test/egress/post.test.ts';
const packages = 'test/deliveries/packages.test.ts';
const order = 'test/contract/order.test.ts';
const statuses = 'test/contract/statuses.test.ts';
const points = 'test/contract/points.test.ts';
const later = 'test/http/contract-2026.test.ts';
const rules = 'test/signatures/rules.test.ts';
const tables = 'test/signatures/tables.test.ts';
const vectors = 'test/signatures/vectors.test.ts';

export const decisions: Readonly<Record<number, Point>> = {
  1: {
    about: 'money',
    promises: {
      'proceeds are rounded half-even to the cent, in code and in the database': [
        ['test/money/money.test.ts', 'point 1: proceeds are', 'point 1: the database rounds'],
      ],
      'cash_amount is what was earned and what is expected, two decimals always': [
        [http('liquidations.answers'), 'point 1: cash_amount is rounded half-even'],
        [engine, 'point 2: sells everything', 'point 5: a partner that cancels'],
      ],
      'a GET shows the object of the last event; updated_at moves when it does': [
        [http('liquidations.answers'), 'point 1: while it is worked off'],
        [engine, 'point 1: updated_at moves'],
      ],
      'digits and currencies beyond the bounds are refused at import': [
        [importFile, 'has at most 12 decimals', 'words are taken from their lists only'],
      ],
      'never a float': [
        ['test/tidy/house.test.ts', 'money never becomes a number'],
        ['test/money/money.test.ts', 'a decimal takes plain notation only'],
      ],
    },
  },
  2: {
    about: 'life',
    promises: {
      'POST answers NEW without orders': [
        [http('liquidations.answers'), 'point 2: create answers 202'],
      ],
      'the release waits for its delay and for an open venue': [
        ['test/settings/config.test.ts', 'point 17: defaults are', 'point 17: live mode releases'],
        ['test/venue/market-hours.test.ts', 'point 2: asked for on a Friday', 'point 2: while it'],
      ],
      'release, orders, executions, end': [
        [engine, 'point 2: sells everything', 'point 2: an account with nothing to sell'],
        ['test/state-machines/transitions.test.ts', 'the database takes'],
      ],
      'after FILLED the account stays usable': [[points, 'point 2: after FILLED']],
      'a change and its event are one commit': [
        ['test/crash/crash.test.ts', 'processes are killed at named points'],
        ['test/audit/corruption.test.ts', 'no row of'],
      ],
    },
  },
  3: {
    about: 'until flat',
    promises: {
      'what becomes sellable gets a further order; locks and halts are waited for': [
        [engine, 'point 3: locked and halted positions'],
        ['test/book/deltas.test.ts', 'what is credited while orders are open', 'an unlock gets'],
        ['test/venue/market-hours.test.ts', 'point 3: a halted instrument'],
      ],
      'no second order where one was finally refused; limits of rounds and days': [
        [nextStep, 'point 3: never sells more', 'point 3: a liquidation at its limit'],
      ],
      'whole units where an instrument is not fractional': [
        [engine, 'point 3: whole units only'],
        ['test/money/money.test.ts', 'only whole units'],
      ],
    },
  },
  4: {
    about: 'cancelling',
    promises: {
      'NEW: 204, one event, nothing sold; again 204': [
        [http('liquidations.cancel'), 'point 4: NEW is cancelled', 'point 4: many cancellations'],
      ],
      'any other state, or another end: 409 that names it': [
        [http('liquidations.cancel'), 'point 4: PROCESSING and FILLED', 'point 4: CANCELLED by'],
      ],
      'against the release one side wins': [
        [http('liquidations.cancel'), 'point 4: cancellations against the release'],
        ['test/liquidations/interleavings.test.ts', 'point 4: cancel against release'],
      ],
    },
  },
  5: {
    about: 'refusals of a venue',
    promises: {
      'temporary ones are waited out, under a new id': [[engine, 'point 5: a temporary rejection']],
      'final ones end CANCELLED with what was sold': [
        [engine, 'point 5: a final rejection', 'point 5: a partner that cancels'],
      ],
      'an order is final when its executions add up': [
        ['test/orders/order.test.ts', 'any order and grouping of reports', 'each report'],
      ],
      'what comes after the end corrects positions, cash and amount, and no state': [
        ['test/liquidations/corrections.test.ts', 'a fill after the end', 'a bust after the end'],
      ],
      'what contradicts the end is parked': [[engine, 'a report that contradicts what is known']],
    },
  },
  6: {
    about: 'refusals of POST',
    promises: {
      'unknown account or user: 404': [[http('liquidations.create'), 'point 6: an account or']],
      'states of an account; one already running, with its URL': [
        [http('liquidations.create'), 'point 6: the states of', 'point 6: one is running already'],
      ],
      'bodies and ids that are not as they must be: 400 that names the place': [
        [http('liquidations.create'), 'point 6: a body that is not', 'point 6: a malformed'],
        [http('openapi.requests'), '…: what the document demands'],
      ],
    },
  },
  7: {
    about: 'tenancy',
    promises: {
      'nothing of another is read, changed or guessed, by the same statements': [
        [http('tenants'), 'point 7: …', "point 7: another's account", 'point 7: lists'],
      ],
      'nothing of another counts': [[http('tenants'), 'point 7: what a client has is no limit']],
    },
  },
  8: {
    about: 'lists',
    promises: {
      'order, pages and counts': [
        [http('liquidations.list'), 'point 8: all liquidations', 'point 8: pages'],
      ],
      'start_date inclusive, end_date exclusive': [
        [http('liquidations.list'), 'point 8: start_date is inclusive'],
      ],
      'nothing else: 400': [[http('liquidations.list'), 'point 8: every other query is refused']],
    },
  },
  9: {
    about: 'idempotency',
    promises: {
      'the same request gets the first answer, byte for byte, from every process': [
        [
          http('liquidations.idempotency'),
          'point 9: the same order again',
          'point 9: the answer is remembered by all',
          'point 9: a key in other letters',
        ],
      ],
      'fifty at once make one liquidation': [
        [http('liquidations.idempotency'), 'point 9: fifty of one order at once'],
      ],
      'another request under the key: 422; still running: 409': [
        [
          http('liquidations.idempotency'),
          'point 9: another order under the same key',
          'point 9: orders for many accounts under one key',
          'point 9: while another change',
        ],
      ],
      'a refused request keeps its key; keys are of one tenant': [
        [
          http('liquidations.idempotency'),
          'point 9: a refused order does not use up',
          'point 9: the same key of another client',
        ],
      ],
      'remembered for thirty days': [[points, 'point 9: a key is remembered for thirty']],
      'missing or malformed: 400': [[http('liquidations.create'), 'point 9: an idempotency key']],
    },
  },
  10: {
    about: 'errors',
    promises: {
      'every status the page lists, from every operation, in one form': [
        [statuses, 'point 10: … answers'],
      ],
      'the API document lists them, and nothing else is answered': [
        [http('openapi'), '… lists the answers', 'an answer that the document does'],
      ],
      'type is a slug or the URL of a page': [[http('errors'), 'point 10']],
      'a fault is answered without its cause': [[http('trouble'), 'point 10: a fault is answered']],
      'request ids': [[http('liquidations.answers'), 'point 10: every request has an id']],
    },
  },
  11: {
    about: 'methods, media types, trouble',
    promises: {
      '405 with allow': [[http('routes.refusals'), 'point 11: other methods of every path']],
      '406 and what is acceptable': [[http('accept'), 'point 11: what admits']],
      '415 and what is JSON': [
        [http('liquidations.create'), 'point 11: a body that is not said', 'point 11: JSON in'],
      ],
      '503 with retry-after, and back again by itself': [
        [points, 'point 11: the database goes'],
        [http('trouble'), 'point 11: without its database'],
      ],
      '504 and rolled back': [[http('deadline'), 'point 11: what waits past the deadline']],
      'upvest-api-version': [[http('routes.refusals'), 'point 14: …']],
    },
  },
  12: {
    about: 'tokens',
    promises: {
      'form, answer and life of a token': [
        [http('token'), 'point 12: a token with the form', 'point 12: it works at every process'],
      ],
      scopes: [[http('token'), 'point 12: it has the scopes', 'point 12: a scope that is unknown']],
      'wrong client, key or secret get the same answer, before any verification': [
        [http('token'), 'point 12: wrong client, secret or key'],
      ],
      'admin stands in for read; another client id is refused': [
        [points, 'point 12: an admin scope serves'],
        [http('token'), 'point 12: the client id of the header'],
      ],
    },
  },
  13: {
    about: 'signatures',
    promises: {
      'four dialects, each key, recognised by form': [
        [http('signing'), 'point 13: … in dialect', 'point 13: the same request under'],
        [tables, '…: …'],
      ],
      'all golden vectors, each refused for its reason': [[vectors, '…: …']],
      'whatever is changed is refused': [
        ['test/signatures/properties.test.ts', '…: whatever is changed'],
      ],
      'strict and compatible': [
        [http('signing'), 'point 13: headers that are sent but not signed'],
        [rules, 'compatible does not ask', 'only its token request'],
      ],
      'a signature counts once, also at a second process': [
        [http('routes.replays'), 'point 13: … …: a request again'],
      ],
      'a sandbox shows the base, masked': [[http('signing'), 'point 13: a sandbox shows']],
    },
  },
  14: {
    about: 'the order of checks',
    promises: {
      'cheap before costly, one after the other': [[order, 'point 14: with every fault from']],
      'each refusal of each route, and whether it cost a verification': [
        [http('routes.refusals'), 'point 14: …'],
      ],
      'rates by address and by client': [
        [http('rates'), 'point 14: a client is', 'point 14: an address that fails'],
        [http('rates'), 'point 14: what others of an address', 'point 14: bad signatures'],
      ],
      'a flood never reaches verification; its queue has an end': [
        [http('rates'), 'point 14: of a thousand bad tokens'],
        [http('overload'), 'point 14: the queue has an end'],
      ],
    },
  },
  15: {
    about: 'webhooks',
    promises: {
      subscriptions: [
        [http('webhooks'), 'point 15: create answers 201', 'point 15: PATCH changes'],
        [http('webhooks'), 'point 15: the list sorted', 'point 15: the list in pages'],
        [http('webhooks.validation'), 'point 15: refused', 'point 15: receivers on this machine'],
      ],
      'the body of an event, to the byte': [
        ['test/webhooks/webhook.test.ts', 'point 15: an event is delivered with exactly'],
        [http('openapi'), 'the webhooks section has the four events'],
      ],
      packages: [
        [packages, 'carry the log ascending', 'hold a larger event alone', 'that are full do not'],
        [http('webhooks'), 'point 15: the client’s default packs'],
      ],
      'success, failure, repetition, order': [
        [
          'test/deliveries/deliver.test.ts',
          'point 15: a receiver that fails',
          'point 15: the mark',
        ],
        ['test/deliveries/subscribed.test.ts', 'point 15: a disabled subscription keeps'],
        ['test/service/order.test.ts', 'whatever is refused, late or killed'],
      ],
      'signed by the dialect of choice': [
        [post, 'point 15: P-521 is not signed', 'point 15: each attempt is signed anew'],
        [http('webhooks'), 'point 15: verify_keys are'],
        ['test/service/rotation.test.ts', 'receivers of a running service'],
      ],
    },
  },
  16: {
    about: 'statuses',
    promises: {
      'the four of the contract': [[points, 'point 16: liquidations and their']],
      'the fifth for who has chosen it': [
        [later, 'point 16: created, sold and settled'],
        [later, 'point 16: the same service answers'],
      ],
    },
  },
  17: {
    about: 'sandbox and live',
    promises: {
      'defaults of both': [
        ['test/settings/config.test.ts', 'point 17: defaults are', 'point 17: live mode releases'],
      ],
      'files only their owner can read; keys sealed; no live mode without its key file': [
        ['test/service/start.test.ts', 'point 17: a first start', 'point 17: live mode starts'],
      ],
    },
  },
};
