// Corruptions of the trail, and of rows that it alone knows.
import { all, type Corruption, itsExecution, itsMovement, remove, set } from './corrupt.ts';

const itsEntry = 'coalesce(v.act_id, v.record_id)::text';
const zeros = "decode(repeat('00', 32), 'hex')";
/** There is one before it, and one behind it. */
const inside = `
  select s.* from unwind.seals s
  where s.number > 1
    and exists (
      select from unwind.seals n where n.tenant_id = s.tenant_id and n.number = s.number + 1
    )
  order by s.tenant_id, s.number`;

export const corruptionsOfTrail: readonly Corruption[] = [
  {
    what: 'the price of a movement of an import is dated otherwise',
    victims: all('unwind.movements', "reason = 'import'"),
    change: set('unwind.movements', "recorded_at = t.recorded_at + interval '1 microsecond'"),
    check: 'rows_are_as_recorded',
    subject: itsMovement,
  },
  {
    what: 'an execution has another instant',
    victims: all('unwind.executions'),
    change: set('unwind.executions', "recorded_at = t.recorded_at + interval '1 microsecond'"),
    check: 'rows_are_as_recorded',
    subject: itsExecution,
  },
  {
    what: 'a record is gone',
    victims: all('unwind.trail_records', 'cardinality(ids) = 1'),
    change: remove('unwind.trail_records'),
    check: 'rows_are_as_recorded',
    subject: 'v.ids[1]::text',
  },
  {
    what: 'an act is by somebody else',
    victims: `select a.*, null::uuid as record_id from unwind.acts a order by a.act_id`,
    change: set('unwind.acts', "actor = 'somebody else'"),
    check: 'sealed_entries_are_as_sealed',
    subject: itsEntry,
  },
  {
    what: 'an act is gone',
    victims: `select a.*, null::uuid as record_id from unwind.acts a order by a.act_id`,
    change: remove('unwind.acts'),
    check: 'sealed_entries_are_as_sealed',
    subject: itsEntry,
  },
  {
    what: 'a record has other hashes',
    victims: `
      select r.*, null::uuid as act_id
      from unwind.trail_records r
      where exists (select from unwind.seals s where r.record_id = any (s.record_ids))
      order by r.record_id`,
    change: set('unwind.trail_records', `hashes = overlay(t.hashes placing ${zeros} from 1)`),
    check: 'sealed_entries_are_as_sealed',
    subject: itsEntry,
  },
  {
    what: 'a seal is dated otherwise',
    victims: all('unwind.seals'),
    change: set('unwind.seals', "sealed_at = t.sealed_at + interval '1 second'"),
    check: 'seals_follow_each_other',
    subject: 'v.number::text',
  },
  {
    what: 'a seal follows another one',
    victims: inside,
    change: set('unwind.seals', `previous = ${zeros}`),
    check: 'seals_follow_each_other',
    subject: 'v.number::text',
  },
  {
    what: 'a seal is gone',
    victims: inside,
    change: remove('unwind.seals'),
    check: 'seals_follow_each_other',
    subject: '(v.number + 1)::text',
  },
];
