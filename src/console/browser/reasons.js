// Why something waits, in plain words: what the reason means and what helps.

/** @type {Record<string, { words: string, help: string, tone: string }>} */
export const reasons = {
  parked: {
    words: 'Parked',
    help: 'A step failed again and again. A person has to look.',
    tone: 'bad',
  },
  stopping: {
    words: 'Stopping',
    help: 'It is to end early; the venue still has orders.',
    tone: 'warn',
  },
  rejected: { words: 'Rejected', help: 'The venue refused the order for good.', tone: 'bad' },
  fraction: { words: 'Fraction left', help: 'The venue trades whole units only.', tone: 'warn' },
  sent_unanswered: {
    words: 'No answer',
    help: 'Sent; the venue has not answered yet. While a halt covers it, it is not sent again.',
    tone: 'warn',
  },
  inactive: { words: 'Inactive', help: 'The instrument does not trade.', tone: 'warn' },
  locked: { words: 'Locked', help: 'Units are locked by the book. Unlock them.', tone: 'warn' },
  halted: { words: 'Halted', help: 'Trading is halted. It goes on when that ends.', tone: 'warn' },
  control: {
    words: 'Stopped',
    help: 'A pre-trade control stopped the order. A person can release it at “Limits”.',
    tone: 'bad',
  },
  no_rate: {
    words: 'No rate',
    help: 'There is no fresh rate for the currency it is sold in. Import rates.',
    tone: 'warn',
  },
  venue_closed: { words: 'Venue closed', help: 'It goes on when the venue opens.', tone: '' },
  unlisted: {
    words: 'Unlisted',
    help: 'No venue of the service lists the instrument.',
    tone: 'warn',
  },
  odd_lot: {
    words: 'Odd lot',
    help: 'What is left is less than a lot of the venue.',
    tone: 'warn',
  },
  retrying: {
    words: 'Retrying',
    help: 'The last attempt failed; the next one is due.',
    tone: 'warn',
  },
  release_delay: {
    words: 'Can be cancelled',
    help: 'Not released yet; it can be cancelled.',
    tone: '',
  },
  due_later: { words: 'Due later', help: 'The next attempt has its time.', tone: '' },
  at_venue: { words: 'At the venue', help: 'The venue has the orders.', tone: 'busy' },
  reservation: {
    words: 'Keeper asked',
    help: 'The keeper of the holdings has not answered yet.',
    tone: 'warn',
  },
  next_round: { words: 'Next round', help: 'What is left is sold in another round.', tone: 'busy' },
  due: { words: 'Due', help: 'It is next.', tone: 'busy' },
};

/** @param {string} reason */
export function wordsOf(reason) {
  return reasons[reason]?.words ?? reason.replaceAll('_', ' ');
}
