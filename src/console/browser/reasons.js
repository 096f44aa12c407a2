// Why something waits, in plain words: what the reason means and what helps.

/** @param {string} words @param {string} help @param {string} tone of its badge */
const why = (words, help, tone) => ({ words, help, tone });

/** @type {Record<string, ReturnType<typeof why>>} */
export const reasons = {
  parked: why('Parked', 'A step failed again and again. A person has to look.', 'bad'),
  stopping: why('Stopping', 'It is to end early; the venue still has orders.', 'warn'),
  rejected: why('Rejected', 'The venue rejected the order for good.', 'bad'),
  fraction: why('Fraction left', 'The venue trades whole units only.', 'warn'),
  sent_unanswered: why(
    'No answer',
    'Sent; the venue has not answered yet. While a halt covers it, it is not sent again.',
    'warn',
  ),
  inactive: why('Inactive', 'The instrument does not trade.', 'warn'),
  locked: why('Locked', 'Units are locked by the book. Unlock them.', 'warn'),
  halted: why('Halted', 'Trading is halted. It goes on when that ends.', 'warn'),
  control: why(
    'Stopped',
    'A pre-trade control stopped the order. A person can release it at “Limits”.',
    'bad',
  ),
  no_rate: why(
    'No rate',
    'There is no fresh rate for the currency it is sold in. Import rates.',
    'warn',
  ),
  venue_closed: why('Venue closed', 'It goes on when the venue opens.', ''),
  unlisted: why('Unlisted', 'No venue of the service lists the instrument.', 'warn'),
  odd_lot: why('Odd lot', 'What is left is less than a lot of the venue.', 'warn'),
  retrying: why('Retrying', 'The last attempt failed; the next one is due.', 'warn'),
  release_delay: why('Can be cancelled', 'Not released yet; it can be cancelled.', ''),
  due_later: why('Due later', 'The next attempt has its time.', ''),
  at_venue: why('At the venue', 'The venue has the orders.', 'busy'),
  reservation: why('Keeper asked', 'The keeper of the holdings has not answered yet.', 'warn'),
  next_round: why('Next round', 'What is left is sold in another round.', 'busy'),
  due: why('Due', 'It is next.', 'busy'),
};

/** @param {string} reason */
export function wordsOf(reason) {
  return reasons[reason]?.words ?? reason.replaceAll('_', ' ');
}
