// Corruptions of how far subscriptions are delivered.

import { all, type Corruption, remove, set } from './corrupt.ts';

const deliveries = 'unwind.deliveries';
const blocked = 'unwind.blocked_accounts';
const itsWebhook = 'v.webhook_id::text';

/** SQL: the event that the receiver of the victim refused. */
const itsRefusedEvent = `(
  select a.first_event_id::text
  from unwind.delivery_attempts a
  where a.webhook_id = v.webhook_id
    and a.status = 500
)`;

export const corruptionsOfDeliveries: readonly Corruption[] = [
  {
    what: 'a claim from before a replay records behind it',
    victims: all(deliveries),
    change: set(deliveries, 'recorded_epoch = t.replayed_epoch - 1'),
    check: 'records_follow_replays',
    subject: itsWebhook,
  },
  {
    what: 'an offset passes a replay although nothing was delivered since',
    victims: all(deliveries),
    change: set(
      deliveries,
      'recorded_epoch = t.replayed_epoch, acknowledged_offset = t.replayed_to + 1',
    ),
    check: 'records_follow_replays',
    subject: itsWebhook,
  },
  {
    what: 'a blocked account is forgotten',
    victims: all(blocked),
    change: remove(blocked),
    check: 'blocked_accounts_are_counted',
    subject: itsWebhook,
  },
  {
    what: 'events of a blocked account are lost together with its row',
    victims: all(blocked),
    change: remove(blocked),
    check: 'refused_events_are_not_passed',
    subject: itsRefusedEvent,
  },
  {
    what: 'a blocked account passes the event that was refused',
    victims: all(blocked),
    change: set(blocked, 'acknowledged_offset = t.up_to'),
    check: 'refused_events_are_not_passed',
    subject: itsRefusedEvent,
  },
];
