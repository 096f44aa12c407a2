// Corruptions of submissions. Every DONE one in the history belongs to a final order.

import { all, type Corruption, itsOrder, itsSubmission, remove, set, stranger } from './corrupt.ts';

export const corruptionsOfSubmissions: readonly Corruption[] = [
  {
    what: 'a submission executed more than its executions',
    victims: all('unwind.submissions'),
    change: set('unwind.submissions', 'executed_quantity = t.executed_quantity + 0.1'),
    check: 'submissions_are_sums_of_executions',
    subject: itsSubmission,
  },
  {
    what: 'a submission is deleted',
    victims: all('unwind.submissions', 'executed_quantity > 0'),
    change: remove('unwind.submissions'),
    check: 'submissions_are_sums_of_executions',
    subject: itsSubmission,
  },
  {
    what: 'a submission is DONE without a final report',
    victims: all('unwind.submissions', "status = 'WORKING'"),
    change: set('unwind.submissions', "status = 'DONE'"),
    check: 'submissions_have_their_status',
    subject: itsSubmission,
  },
  {
    what: 'a submission is DONE short of its final report',
    victims: all('unwind.submissions', "status = 'DONE' and executed_quantity = final_quantity"),
    change: set('unwind.submissions', 'final_quantity = t.final_quantity + 0.5'),
    check: 'submissions_have_their_status',
    subject: itsSubmission,
  },
  {
    what: 'a final order has a submission that is not DONE',
    victims: all('unwind.submissions', "status = 'DONE'"),
    change: set('unwind.submissions', "status = 'WORKING'"),
    check: 'submissions_serve_their_orders',
    subject: itsOrder,
  },
  {
    what: 'an order at the venue is due to be sent again',
    victims: all('unwind.orders', "status = 'PROCESSING' and submit_at is null"),
    change: set('unwind.orders', 'submit_at = now()'),
    check: 'submissions_serve_their_orders',
    subject: itsOrder,
  },
  {
    what: 'nobody will hear of an order again',
    victims: all('unwind.submissions', "status = 'WORKING'"),
    change: set(
      'unwind.submissions',
      "status = 'DONE', outcome = 'suspended', final_quantity = t.executed_quantity",
    ),
    check: 'submissions_serve_their_orders',
    subject: itsOrder,
  },
  {
    what: 'a submission is sent for more than is left',
    victims: all('unwind.submissions', "status = 'WORKING'"),
    change: set('unwind.submissions', 'quantity = t.quantity + 1'),
    check: 'submissions_serve_their_orders',
    subject: itsOrder,
  },
  {
    what: 'a submission names another liquidation',
    victims: all('unwind.submissions'),
    change: set('unwind.submissions', `liquidation_id = ${stranger}`),
    check: 'submissions_belong_to_orders',
    subject: itsSubmission,
  },
  {
    what: 'the answer of the venue is lost',
    victims: all(
      'unwind.submissions',
      `status = 'WORKING'
        and client_order_id not in (select r.client_order_id from unwind.venue_reports r)`,
    ),
    change: set('unwind.submissions', 'venue_order_id = null'),
    check: 'submissions_are_answered',
    subject: itsSubmission,
  },
  {
    what: 'a submission forgets what was void',
    victims: all('unwind.submissions', 'busted_quantity > 0'),
    change: set('unwind.submissions', 'busted_quantity = 0'),
    check: 'submissions_are_sums_of_executions',
    subject: itsSubmission,
  },
];
