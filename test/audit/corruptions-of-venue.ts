// Corruptions that only the witness on the other side can tell: what the venue received, answered
// and reported.

import {
  all,
  type Corruption,
  itsExecution,
  itsSubmission,
  remove,
  set,
  stranger,
} from './corrupt.ts';

const journal = 'simulated_venue.journal';
const reports = 'simulated_venue.reports';
const executions = 'unwind.executions';

/** The journal, with the columns that a victim needs. */
const entries = (where = 'true') => `
  select j.firm as tenant_id, j.*
  from simulated_venue.journal j
  join unwind.submissions s
    on s.tenant_id = j.firm
    and s.client_order_id = j.client_order_id
  where s.status <> 'SENDING'
    and ${where}
  order by j.entry`;

/** Reports of submissions that are DONE. */
const doneReports = (where = 'true') => `
  select r.firm as tenant_id, r.*
  from simulated_venue.reports r
  join unwind.submissions s
    on s.tenant_id = r.firm
    and s.client_order_id = r.client_order_id
  where s.status = 'DONE'
    and ${where}
  order by r.report`;

export const corruptionsOfVenue: readonly Corruption[] = [
  {
    what: 'the venue never received a submission',
    victims: entries(),
    change: remove(journal),
    check: 'venue_has_each_submission',
    subject: itsSubmission,
  },
  {
    what: 'the venue received another quantity',
    victims: entries(),
    change: set(journal, 'quantity = t.quantity + 1'),
    check: 'venue_has_each_submission',
    subject: itsSubmission,
  },
  {
    what: 'the venue received another instrument',
    victims: entries(),
    change: set(journal, "isin = 'XX0000000000'"),
    check: 'venue_has_each_submission',
    subject: itsSubmission,
  },
  {
    what: 'the venue refused what we hold for accepted',
    victims: entries("j.outcome = 'accepted' and s.venue_order_id is not null"),
    change: set(
      journal,
      "outcome = 'rejected', venue_order_id = null, reason = 'no', price = null",
    ),
    check: 'venue_has_each_submission',
    subject: itsSubmission,
  },
  {
    what: 'the venue accepted what we hold for refused',
    victims: entries("j.outcome = 'rejected'"),
    change: set(journal, "outcome = 'accepted', venue_order_id = 'x', reason = null, price = 1"),
    check: 'venue_confirms_what_is_done',
    subject: itsSubmission,
  },
  {
    what: 'the venue gave another order id',
    victims: entries("j.outcome = 'accepted' and s.venue_order_id is not null"),
    change: set(journal, "venue_order_id = 'another'"),
    check: 'venue_has_each_submission',
    subject: itsSubmission,
  },
  {
    what: 'an order was sent without a record of ours',
    victims: entries(),
    change: `
      delete from unwind.submissions s
      using v
      where s.client_order_id = v.client_order_id`,
    check: 'venue_has_only_our_submissions',
    subject: "concat(v.client_order_id, ' (', v.entry, ')')",
  },
  {
    what: 'an order was sent a second time and accepted again',
    victims: entries("j.outcome = 'accepted'"),
    change: `
      insert into simulated_venue.journal (
        firm, client_order_id, isin, side, quantity, outcome, venue_order_id, price, received_at
      )
      select
        v.firm, v.client_order_id, v.isin, v.side, v.quantity, v.outcome, v.venue_order_id,
        v.price, v.received_at
      from v`,
    check: 'venue_took_nothing_twice',
    subject: itsSubmission,
  },
  {
    what: 'an execution that the venue never reported',
    victims: all(executions),
    change: set(executions, "venue_execution_id = 'invented'"),
    check: 'venue_reported_each_execution',
    subject: itsExecution,
  },
  {
    what: 'an execution of another quantity than reported',
    victims: all(executions),
    change: set(executions, 'quantity = t.quantity - 0.001'),
    check: 'venue_reported_each_execution',
    subject: itsExecution,
  },
  {
    what: 'an execution at another time than reported',
    victims: all(executions),
    change: set(executions, "executed_at = t.executed_at + interval '1 hour'"),
    check: 'venue_reported_each_execution',
    subject: itsExecution,
  },
  {
    what: 'an execution at another price than the venue fixed',
    victims: all(executions),
    change: set(executions, 'price = t.price + 0.0001'),
    check: 'venue_price_was_fixed',
    subject: itsExecution,
  },
  {
    what: 'an execution is recorded twice',
    victims: all(executions),
    change: `
      insert into unwind.executions
      select
        v.tenant_id, ${stranger}, v.venue, v.venue_execution_id, v.client_order_id, v.order_id,
        v.liquidation_id, v.account_id, v.isin, v.quantity, v.price, v.proceeds, v.executed_at,
        v.recorded_at
      from v`,
    check: 'executions_are_recorded_once',
    subject: "concat(v.venue, '/', v.venue_execution_id)",
  },
  {
    what: 'the venue reported more than was applied',
    // A fill after the end may be under way, with a number behind the cursor.
    victims: doneReports("r.type = 'trade' and r.cumulative_quantity <= s.final_quantity"),
    change: `
      insert into simulated_venue.reports (
        firm, report, client_order_id, venue_order_id, due_at, transaction_at, type,
        venue_execution_id, last_quantity, last_price, cumulative_quantity, number
      )
      select
        v.firm, ${stranger}, v.client_order_id, v.venue_order_id, v.due_at, v.transaction_at, v.type,
        'further', v.last_quantity, v.last_price, v.cumulative_quantity, 1000000
      from v`,
    check: 'venue_reports_are_applied',
    subject: "concat('XSIM/', 1000000)",
  },
  {
    what: 'the venue ended an order otherwise',
    victims: doneReports("r.type = 'filled'"),
    change: set(reports, "type = 'cancelled'"),
    check: 'venue_confirms_what_is_done',
    subject: itsSubmission,
  },
  {
    what: 'the final report is gone',
    victims: doneReports("r.type in ('filled', 'cancelled', 'rejected')"),
    change: remove(reports),
    check: 'venue_confirms_what_is_done',
    subject: itsSubmission,
  },
  {
    what: 'a report is taken out of the inbox without being applied',
    victims: all('unwind.venue_reports'),
    change: remove('unwind.venue_reports'),
    check: 'venue_reports_are_applied',
    subject: "concat(v.venue, '/', split_part(v.report_id, '/', 2))",
  },
  {
    what: 'a report contradicts what is known',
    victims: all('unwind.venue_reports'),
    change: set('unwind.venue_reports', "parked_reason = 'two final reports disagree'"),
    check: 'no_report_is_parked',
    subject: "concat(v.venue, '/', v.report_id)",
  },
  {
    what: 'the venue had agreed to cancel what it then filled',
    victims: doneReports("r.type = 'filled'"),
    change: `
      insert into simulated_venue.cancels (firm, client_order_id, outcome, received_at)
      select v.firm, v.client_order_id, 'accepted', v.transaction_at
      from v`,
    check: 'venue_kept_its_word_on_cancels',
    subject: itsSubmission,
  },
  {
    what: 'the venue never declared void what counts as void',
    victims: all('unwind.busts'),
    change: set('unwind.busts', "venue_execution_id = 'invented'"),
    check: 'venue_reported_each_bust',
    subject: "'XSIM/invented'",
  },
  {
    what: 'the venue declared an execution void at another time',
    victims: all('unwind.busts'),
    change: set('unwind.busts', "transaction_at = t.transaction_at + interval '1 s'"),
    check: 'venue_reported_each_bust',
    subject: "concat(v.venue, '/', v.venue_execution_id)",
  },
];
