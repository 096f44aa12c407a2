// What execution reports of each version say: one table of messages, and what is read in them. And what a
// reading makes of its order.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../src/ids.ts';
import { decimal, sum } from '../../src/money.ts';
import type { Field, FixMessage } from '../../src/venue/fix/codec.ts';
import { conclude, executionIdOf, type FixOrder } from '../../src/venue/fix/order.ts';
import { type FixVersion, versions } from '../../src/venue/fix/profile.ts';
import { faultIn, readMessage, readRejection } from '../../src/venue/fix/reading.ts';
import { newOrderSingle } from '../../src/venue/fix/requests.ts';
import { fc } from '../support/properties.ts';

/** A message from a text such as `35=8|150=0`. */
function message(text: string): FixMessage {
  const fields = text.split('|').map((field): Field => {
    const [tag = '', ...value] = field.split('=');
    return [Number(tag), value.join('=')];
  });
  return { type: fields[0]?.[1] ?? '', fields };
}

const report = (says: string) => message(`35=8|37=V1|11=NAME|17=E1|${says}|52=20260105-10:00:00`);

function found(text: string, version: FixVersion): string {
  const one = report(text);
  const fault = faultIn(one, versions[version]);
  if (fault !== undefined) return `fault ${fault.tag} ${fault.reason}`;
  const { findings = [] } = readMessage(one, versions[version]) ?? {};
  return findings
    .map((finding) => {
      switch (finding.type) {
        case 'traded':
          return `${finding.isFilled ? 'filled' : 'traded'} ${finding.execution.quantity.toFixed()}`;
        case 'ended':
          return finding.end;
        case 'busted':
          return `busted ${finding.execId}`;
        case 'status':
          return `status ${finding.end ?? 'open'}`;
        default:
          return finding.type;
      }
    })
    .join(', ');
}

const readings: readonly (readonly [version: FixVersion, says: string, reads: string])[] = [
  ['FIX.4.4', '150=0|39=0|14=0', 'acknowledged'],
  ['FIX.4.4', '150=A|39=A|14=0', 'acknowledged'],
  ['FIX.4.4', '150=D|39=0|14=0', 'acknowledged'],
  ['FIX.4.4', '150=F|39=1|14=4|32=4|31=10', 'traded 4'],
  ['FIX.4.4', '150=F|39=2|14=10|32=6|31=10', 'filled 6'],
  ['FIX.4.4', '150=F|39=4|14=6|32=6|31=10', 'traded 6, cancelled'],
  ['FIX.4.4', '150=2|39=0|14=0', 'acknowledged'],
  ['FIX.4.4', '150=2|39=2|14=10|32=10|31=10', 'filled 10'],
  ['FIX.4.4', '150=4|39=4|14=4', 'cancelled'],
  ['FIX.4.4', '150=5|39=0|14=0', 'acknowledged'],
  ['FIX.4.4', '150=8|39=8|14=0', 'rejected'],
  ['FIX.4.4', '150=8|39=8|103=2|14=0', 'suspended'],
  ['FIX.4.4', '150=C|39=C|14=0', 'suspended'],
  ['FIX.4.4', '150=3|39=3|14=4', 'suspended'],
  ['FIX.4.4', '150=G|19=E0|39=1|14=3|32=3|31=11', 'busted E0, traded 3'],
  ['FIX.4.4', '150=H|19=E0|39=1|14=0', 'busted E0'],
  ['FIX.4.4', '150=I|39=1|14=4', 'status open'],
  ['FIX.4.4', '150=I|39=2|14=10', 'status filled'],
  ['FIX.4.4', '150=I|39=8|103=5|14=0', 'not_known'],
  ['FIX.4.4', '150=F|39=1|14=4|31=10', 'fault 32 1'],
  ['FIX.4.4', '150=F|39=1|14=4|32=4|31=ten', 'fault 31 6'],
  ['FIX.4.4', '150=F|39=1|14=1e3|32=4|31=10', 'fault 14 6'],
  ['FIX.4.4', '150=H|39=1|14=0', 'fault 19 1'],
  ['FIX.4.4', '150=z|39=1|14=0', 'fault 150 5'],
  ['FIX.4.4', '39=1|14=0', 'fault 150 1'],
  ['FIX.4.2', '20=0|150=0|39=0|14=0', 'acknowledged'],
  ['FIX.4.2', '20=0|150=1|39=1|14=4|32=4|31=10', 'traded 4'],
  ['FIX.4.2', '20=0|150=2|39=2|14=10|32=6|31=10', 'filled 6'],
  ['FIX.4.2', '20=1|19=E0|150=1|39=1|14=0', 'busted E0'],
  ['FIX.4.2', '20=2|19=E0|150=1|39=1|14=3|32=3|31=11', 'busted E0, traded 3'],
  ['FIX.4.2', '20=3|150=1|39=1|14=4', 'status open'],
  ['FIX.4.2', '20=0|150=4|39=4|14=4', 'cancelled'],
  ['FIX.5.0SP2', '150=F|39=2|14=10|32=6|31=10', 'filled 6'],
  // ExecTransType is a field of 4.2 alone.
  ['FIX.4.4', '20=1|150=F|39=1|14=4|32=4|31=10', 'traded 4'],
];
for (const [version, says, reads] of readings) {
  test(`${version}: ${says} reads as ${reads}`, () => assert.equal(found(says, version), reads));
}

test('a reject names the message of ours that was rejected', () => {
  assert.deepEqual(readRejection(message('35=3|45=7|371=38|58=bad quantity')), {
    number: 7,
    reason: 'bad quantity (field 38)',
  });
  assert.deepEqual(readRejection(message('35=j|45=9|380=3')), {
    number: 9,
    reason: 'the venue rejected the message',
  });
  assert.equal(readRejection(report('150=0|39=0|14=0')), undefined);
});

test('an order is written as its version and its profile want it', () => {
  const order = { clientOrderId: 'NAME', isin: 'DE0007164600', quantity: decimal('12.50') };
  const named = { ...order, venueOrderId: undefined };
  const base = {
    type: 'fix' as const,
    mic: 'XTST',
    host: 'venue',
    port: 1,
    sender_comp_id: 'A',
    target_comp_id: 'B',
  };
  const at = new Date('2026-01-05T10:00:00.123Z');
  const text = (fields: readonly Field[]) => fields.map((field) => field.join('=')).join('|');
  assert.equal(
    text(newOrderSingle(named, { ...base, version: 'FIX.4.4' }, { now: at })),
    '35=D|11=NAME|55=DE0007164600|48=DE0007164600|22=4|54=2|60=20260105-10:00:00.123|38=12.5|40=1|59=0',
  );
  const profile = {
    ...base,
    version: 'FIX.4.2' as const,
    symbology: 'symbol' as const,
    symbols: { DE0007164600: 'SAP' },
    currency: 'EUR',
    time_in_force: '3',
    order_fields: { '100': 'XETR', '1': 'CLIENTS' },
  };
  assert.equal(
    text(newOrderSingle(named, profile, { now: at })),
    '35=D|11=NAME|21=1|55=SAP|54=2|60=20260105-10:00:00.123|38=12.5|40=1|15=EUR|59=3|1=CLIENTS|100=XETR',
  );
});

const sent: FixOrder = {
  tenantId: newId<'tenant'>(),
  clientOrderId: 'NAME',
  isin: 'DE0007164600',
  quantity: decimal('10'),
  status: 'SENT',
  sentOn: '20260105',
  venueOrderId: undefined,
  cumulativeQuantity: decimal('0'),
  rejection: undefined,
};

/** Folds reports into an order one after the other, as the session hands them over. */
function fold(all: readonly string[]) {
  let order = sent;
  const executions = new Map<string, string>();
  const events: string[] = [];
  const problems: string[] = [];
  let soldTotal = decimal('0');
  for (const text of all) {
    const reading = readMessage(message(text), versions['FIX.4.4']);
    assert.ok(reading !== undefined);
    const conclusion = conclude(order, reading, {
      day: '20260105',
      cancelsByItself: false,
      executions,
    });
    order = conclusion.order;
    problems.push(...conclusion.problems);
    for (const { event, execId } of conclusion.reports) {
      events.push(event.type);
      if (!('trade' in event)) continue;
      executions.set(execId ?? '', event.trade.venueExecutionId);
      soldTotal = sum([soldTotal, event.trade.lastQuantity]);
    }
  }
  return { order, events, problems, sold: soldTotal.toFixed() };
}

const said = (says: string, execId = 'S') => `35=8|37=V1|11=NAME|17=${execId}|${says}`;

test('an order is acknowledged, traded and filled; repeats change nothing', () => {
  const all = [
    said('150=0|39=0|14=0'),
    said('150=F|39=1|14=4|32=4|31=10', 'E1'),
    said('150=F|39=2|14=10|32=6|31=10', 'E2'),
  ];
  const once = fold(all);
  assert.deepEqual(
    [once.order.status, once.events, once.sold],
    ['DONE', ['trade', 'filled'], '10'],
  );
  const twice = fold([...all, ...all]);
  assert.deepEqual(twice, once);
});

test('however often reports come again, each execution counts once', () => {
  const parts = ['1', '2', '3', '4'].map((quantity, i) => {
    const cumulative = [1, 3, 6, 10][i];
    return said(`150=F|39=${i === 3 ? 2 : 1}|14=${cumulative}|32=${quantity}|31=10`, `E${i}`);
  });
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 12 }), (repeats) => {
      const all = parts.flatMap((part, i) => {
        return [part, ...repeats.filter((one) => one <= i).map((one) => parts[one] ?? part)];
      });
      const { sold, problems } = fold(all);
      assert.deepEqual([sold, problems], ['10', []]);
    }),
  );
});

test('an order that the venue never worked is rejected, not reported', () => {
  const rejected = fold([said('150=8|39=8|14=0|58=unknown account')]);
  assert.deepEqual(rejected.events, []);
  assert.deepEqual(rejected.order.rejection, { reason: 'unknown account', isTemporary: false });
  const closed = fold([said('150=8|39=8|103=2|14=0|58=closed')]);
  assert.deepEqual(closed.order.rejection, { reason: 'closed', isTemporary: true });
});

test('a state that was asked for ends what it ends, and names executions that are missing', () => {
  const ended = fold([said('150=0|39=0|14=0'), said('150=I|39=4|14=0')]);
  assert.deepEqual([ended.order.status, ended.events], ['DONE', ['cancelled']]);
  const missing = fold([said('150=0|39=0|14=0'), said('150=I|39=2|14=10')]);
  assert.deepEqual([missing.order.status, missing.events], ['WORKING', []]);
  assert.deepEqual(missing.problems, ['the venue says 10 was sold, its reports say 0']);
  const unknown = fold([said('150=I|39=8|103=5|14=0|58=unknown')]);
  assert.match(unknown.problems.join(), /was sent it today and does not know it/);
});

test('ids of executions are for ever, whatever the venue begins anew', () => {
  const ids = new Set([
    executionIdOf('20260105', 'A', 'E1'),
    executionIdOf('20260106', 'A', 'E1'),
    executionIdOf('20260105', 'B', 'E1'),
  ]);
  assert.equal(ids.size, 3);
});
