// Corruptions of reservations.

import { all, type Corruption, itsLiquidation, set } from './corrupt.ts';

const reservations = 'unwind.reservations';
const positions = 'unwind.reservation_positions';
const sold = `reservation_id in (select r.reservation_id from unwind.reservations r where r.round is not null)`;
const itsReservation = 'v.reservation_id::text';

export const corruptionsOfReservations: readonly Corruption[] = [
  {
    what: 'an order is for more than was granted',
    victims: all(positions, sold),
    change: set(positions, 'granted = t.granted - 0.5'),
    check: 'orders_keep_within_reservations',
    subject: `(
      select o.order_id::text
      from unwind.reservations r
      join unwind.orders o on o.liquidation_id = r.liquidation_id and o.round = r.round
      where r.reservation_id = v.reservation_id and o.isin = v.isin
    )`,
  },
  {
    what: 'a reservation of a liquidation that has ended is open',
    victims: all(reservations),
    change: set(reservations, "status = 'ANSWERED', closed_at = null, next_at = null"),
    check: 'reservations_are_closed_at_the_end',
    subject: itsLiquidation,
  },
  {
    what: 'more is granted than was asked for',
    victims: all(positions),
    change: set(positions, 'granted = t.quantity + 1'),
    check: 'reservations_are_as_answered',
    subject: itsReservation,
  },
  {
    what: 'an answer leaves a position open',
    victims: all(positions),
    change: set(positions, 'granted = null'),
    check: 'reservations_are_as_answered',
    subject: itsReservation,
  },
];
