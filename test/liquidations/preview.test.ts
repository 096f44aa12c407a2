// A preview says what a liquidation that is created at once does: the same units of the same positions at the
// same venues, or why not, when, and which controls stop the orders. Books, venues, halts and controls are random.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { later } from '../../src/clock.ts';
import { runPreview } from '../../src/commands/preview-command.ts';
import { noLimits } from '../../src/controls/control.ts';
import { replaceControls } from '../../src/controls/controls-store.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { everyTenant } from '../../src/halts/halt.ts';
import { insertHalt } from '../../src/halts/halts-store.ts';
import { previewView } from '../../src/http/preview-view.ts';
import { type AccountId, newId, type TenantId } from '../../src/ids.ts';
import { previewLiquidation } from '../../src/liquidations/preview-liquidation.ts';
import { liquidationReleaser } from '../../src/liquidations/release-liquidations.ts';
import { decimal, plain, sum } from '../../src/money.ts';
import { orderSubmitter } from '../../src/orders/submit-orders.ts';
import { Refusal } from '../../src/refusal.ts';
import { announceHalt, announceStatus, recordTrading } from '../../src/venue/calendar-store.ts';
import type { Venue } from '../../src/venue/venue.ts';
import { Screen } from '../book/screen.ts';
import {
  type AccountOfUser,
  enterRates,
  listInstruments,
  makeBook,
  makeTenant,
} from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, quietWorker, usualEndLimits } from '../support/engine.ts';
import { isFull, times } from '../support/length.ts';
import { fc } from '../support/properties.ts';

const { sql } = await createTestDatabase({ after });
// The views ask the clock of the database.
const start = new Date();
const clock = testClock(start.toISOString());
const venues = [
  { mic: 'XETR', currency: 'EUR' },
  { mic: 'XNAS', currency: 'USD' },
  { mic: 'XSIM', currency: 'EUR' },
];
await recordTrading(sql, { venues, now: start });
await inTransaction(sql, async (tx) => {
  for (const { mic } of venues) await announceStatus(tx, mic, undefined);
});
const isins = ['DE0007164600', 'US0378331005', 'DE0008404005', 'IE00B4L5Y983', 'DE0007236101'];

const state = fc.constantFrom(
  'always',
  'always',
  'always',
  'open',
  'closed',
  'opens',
  'opens_later',
);
const share = fc.constantFrom('0', '0', '0', '0', '0.3', '1');
const digits = (max: number) => fc.integer({ min: 1, max }).map(String);
const number = fc
  .tuple(digits(99_999), fc.constantFrom('1', '0.1', '0.0001'))
  .map(([text, by]) => plain(decimal(text).times(decimal(by))));
const instrument = fc.record({
  fractional: fc.boolean(),
  tradingStatus: fc.constantFrom('ACTIVE', 'ACTIVE', 'ACTIVE', 'INACTIVE'),
  price: fc.option(number, { nil: undefined }),
  listings: fc.uniqueArray(
    fc.record({
      mic: fc.constantFrom('XETR', 'XETR', 'XNAS', 'XSIM', 'XLON'),
      currency: fc.constantFrom('EUR', 'EUR', 'USD'),
      lotSize: fc.constantFrom('1', '1', '0.001', '10'),
    }),
    { maxLength: 3, minLength: 0, selector: ({ mic }) => mic },
  ),
  isHaltedAt: fc.constantFrom(...Array.from({ length: 6 }, () => undefined), 'XETR', 'XNAS'),
  quantity: fc.option(number, { nil: undefined, freq: 2 }),
  lockedShare: share,
});
const world = fc.record({
  states: fc.tuple(state, state, state),
  instruments: fc.tuple(instrument, instrument, instrument, instrument, instrument),
  rate: fc.constantFrom('none', 'fresh', 'fresh', 'old'),
  accountStatus: fc.constantFrom('ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'CLOSING', 'LOCKED'),
  halt: fc.constantFrom(
    ...[
      'none',
      'none',
      'none',
      'none',
      'none',
      'none',
      'none',
      'tenant',
      'account',
      'instrument',
      'venue',
      'everything',
    ],
  ),
  limits: fc.record({
    orderQuantityMax: fc.option(number, { nil: undefined }),
    orderValueMax: fc.option(number, { nil: undefined }),
    dayValueMax: fc.option(digits(9_999_999), { nil: undefined }),
    priceAgeMaxS: fc.constantFrom(undefined, undefined, 59, 60),
  }),
});
type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

/** Each day one hour that begins so many whole hours from now, in UTC; none of what is always open. */
const opensIn: Readonly<Record<string, number>> = { opens: 2, opens_later: 4, open: 6, closed: 0 };

/** Makes the venues as they are to be; what was halted before is not. */
async function setVenues({ states, instruments }: World): Promise<void> {
  const hours = states.flatMap((wanted, i) => {
    const ahead = opensIn[wanted];
    if (ahead === undefined) return [];
    const hour = String((start.getUTCHours() + ahead) % 24).padStart(2, '0');
    return [{ mic: venues[i]?.mic ?? '', opens: `${hour}:00`, closes: `${hour}:59` }];
  });
  // Not by setCalendar: to look for a time zone takes PostgreSQL longer than all the rest.
  await sql`delete from unwind.venue_hours`;
  await sql`
    insert into unwind.venue_hours (venue, weekday, opens, closes)
    select n.venue, d.weekday, n.opens, n.closes
    from unnest(
      ${hours.map(({ mic }) => mic)}::text[],
      ${hours.map(({ opens }) => opens)}::time[],
      ${hours.map(({ closes }) => closes)}::time[]
    ) as n (venue, opens, closes)
    cross join generate_series(1, 7) as d (weekday)`;
  await sql`delete from unwind.venue_halts`;
  await inTransaction(sql, async (tx) => {
    for (const [i, { mic }] of venues.entries()) {
      const wanted = states[i];
      const isAnnounced = wanted === 'open' || wanted === 'closed';
      await announceStatus(tx, mic, isAnnounced ? wanted : undefined);
    }
    for (const [i, { isHaltedAt: venue }] of instruments.entries()) {
      const isin = isins[i] ?? '';
      if (venue) await announceHalt(tx, { venue, isin, isHalted: true, at: start });
    }
  });
}

async function setBook(tenantId: TenantId, one: World): Promise<AccountOfUser> {
  const held = one.instruments.map((instrument, i) => ({ isin: isins[i] ?? '', ...instrument }));
  const positions = held.flatMap(({ isin, quantity, lockedShare }) => {
    if (quantity === undefined) return [];
    const locked = plain(decimal(quantity).times(decimal(lockedShare)));
    return [{ isin, quantity, locked }];
  });
  const [account] = await makeBook(sql, {
    tenantId,
    importedAt: later(start, -60_000),
    instruments: held.map(({ price, ...other }) => (price ? { ...other, price } : other)),
    accounts: [{ status: one.accountStatus, positions }],
  });
  assert.ok(account);
  const listings = held.flatMap(({ isin, listings: all }) => all.map((at) => ({ isin, ...at })));
  await listInstruments(sql, { tenantId }, listings);
  if (one.rate !== 'none') {
    const asOf = later(start, one.rate === 'old' ? -100 * 3_600_000 : -3_600_000);
    await enterRates(sql, { tenantId }, [{ currency: 'USD', rate: '0.9', asOf }]);
  }
  return account;
}

async function setLimits({ limits }: World, tenantId: TenantId): Promise<void> {
  const { priceAgeMaxS, orderQuantityMax, orderValueMax, dayValueMax } = limits;
  const amount = (text: string | undefined) => (text === undefined ? undefined : decimal(text));
  const controls = {
    ...noLimits,
    orderQuantityMax: amount(orderQuantityMax),
    orderValueMax: amount(orderValueMax),
    dayValueMax: amount(dayValueMax),
    priceAgeMaxS,
  };
  const by = { controlsId: newId<'controls'>(), reason: 'a test', person: 'Tester', setAt: start };
  assert.ok(
    await inTransaction(sql, (tx) => replaceControls(tx, { ...controls, ...by, tenantId })),
  );
}

async function setHalt({ halt }: World, { tenantId, accountId }: AccountOfUser): Promise<void> {
  await sql`
    update unwind.halts h
    set
      lifted_at = ${start},
      lifted_by = 'Tester',
      lift_reason = 'It is over'
    where h.lifted_at is null`;
  if (halt === 'none') return;
  await inTransaction(sql, (tx) => {
    return insertHalt(tx, {
      tenantId: halt === 'everything' ? everyTenant : tenantId,
      haltId: newId(),
      accountId: halt === 'account' ? accountId : undefined,
      isin: halt === 'instrument' ? isins[0] : undefined,
      venue: halt === 'venue' ? 'XETR' : undefined,
      strength: 'release',
      reason: 'a test',
      person: 'Tester',
      setAt: start,
      lift: undefined,
    });
  });
}

const settings = { releaseDelayMs: 0 };

async function preview(account: AccountOfUser) {
  const seen = await previewLiquidation(sql, clock, { ...account, hasRoom: true }, settings);
  return previewView(seen ?? assert.fail('the account is there'));
}

type Shown = Awaited<ReturnType<typeof preview>>;

const salesOf = ({ positions }: Shown) => {
  return positions
    .filter(({ sells }) => sells !== '0')
    .map(({ isin, sells, venue, currency }) => [isin, sells, venue, currency]);
};

async function ordersOf({ accountId }: AccountOfUser) {
  const rows = await sql<{ isin: string; quantity: string; venue: string; currency: string }[]>`
    select o.isin, trim_scale(o.quantity)::text as quantity, o.venue, o.currency
    from unwind.orders o
    where o.account_id = ${accountId}
    order by o.isin`;
  return rows.map((one) => [one.isin, one.quantity, one.venue, one.currency]);
}

async function liquidationOf({ accountId }: AccountOfUser) {
  const [row] = await sql<{ status: string; cash_amount: string }[]>`
    select l.status, round(l.cash_amount, 2)::text as cash_amount
    from unwind.liquidations l
    where l.account_id = ${accountId}`;
  return row ?? assert.fail('there is a liquidation');
}

/** A process of its own each time, since one remembers when it has looked last, and the clock is set back. */
async function releaseAll(): Promise<void> {
  const release = liquidationReleaser({ ...quietWorker(sql, clock), venues }, usualEndLimits);
  for (let turn = 0; turn < 100; turn += 1) if ((await release()) === 0) return;
  assert.fail('releases for ever');
}

/** A venue that takes whatever comes. */
const submitters = venues.map(({ mic, currency }) => {
  const venue: Venue = {
    ...{ mic, currency, flightMsMax: 2_000 },
    submit: async (orders) => {
      return orders.map(({ clientOrderId }) => ({ type: 'accepted', venueOrderId: clientOrderId }));
    },
    lookUp: async (orders) => orders.map(() => ({ type: 'not_found' })),
    cancel: async (orders) => orders.map(() => ({ type: 'not_found' })),
    reports: async () => [],
  };
  return orderSubmitter({ ...quietWorker(sql, clock), venue, holder: newId<'holder'>() });
});

/** Sends what is due; what controls stop is due again later. */
async function submitAll(): Promise<void> {
  for (const submit of submitters) while ((await submit()) > 0);
}

/** Orders at venues that are open are sent, but for those that the preview has said to be stopped, and as it said. */
async function assertStopped({ accountId }: AccountOfUser, { positions }: Shown): Promise<void> {
  const rows = await sql<{ isin: string; sent: boolean; stops: readonly object[] }[]>`
    select
      o.isin,
      exists (
        select
        from unwind.submissions n
        where n.tenant_id = o.tenant_id
          and n.order_id = o.order_id
      ) as sent,
      coalesce(
        (
          select json_agg(json_build_object('control', s.control, 'detail', s.detail) order by s.control)
          from unwind.control_stops s
          where s.tenant_id = o.tenant_id
            and s.order_id = o.order_id
        ),
        '[]'
      ) as stops
    from unwind.orders o
    where o.account_id = ${accountId}
    order by o.isin`;
  const expected = positions.flatMap(({ isin, sells, venue_open: isOpen, stopped_by: stops }) => {
    if (sells === '0') return [];
    if (stops.length > 0) reached.stopped += 1;
    const byName = stops.toSorted((a, b) => (a.control < b.control ? -1 : 1));
    return [{ isin, sent: isOpen === true && stops.length === 0, stops: isOpen ? byName : [] }];
  });
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    expected,
  );
}

/** Each unit is told of once, and amounts are what the database computes. */
async function assertAddsUp({ positions, totals }: Shown): Promise<void> {
  for (const { isin, quantity, sells, unsold } of positions) {
    const parts = [sells, ...unsold.map((part) => part.quantity)].map(decimal);
    assert.equal(plain(sum(parts)), plain(decimal(quantity)), isin);
  }
  const priced = positions.filter(({ price }) => price !== undefined);
  const [row] = await sql<{ value: string }[]>`
    select round(coalesce(sum(unwind.to_cents(n.price * n.sells)), 0), 2)::text as value
    from unnest(
      ${priced.map(({ price }) => price ?? '')}::numeric[],
      ${priced.map(({ sells }) => sells)}::numeric[]
    ) as n (price, sells)`;
  assert.equal(totals.value, row?.value);
  const parts = totals.by_currency.map(({ value }) => decimal(value));
  assert.equal(plain(sum(parts)), plain(decimal(totals.value)));
  const selling = positions.filter(({ sells }) => sells !== '0');
  assert.equal(totals.selling, selling.length);
  assert.equal(totals.unpriced, selling.filter(({ price }) => price === undefined).length);
}

/** The published views give the same reasons, once the liquidation runs. */
async function assertAsInViews(account: AccountOfUser, { positions }: Shown): Promise<void> {
  const rows = await sql<{ isin: string; reason: string }[]>`
    select w.isin, w.reason
    from unwind_v1.position_waits w
    where w.account_id = ${account.accountId}
    order by w.isin`;
  const unsold = positions.filter(({ sells }) => sells === '0');
  // The views say one reason of a position: `locked` only where nothing besides is free, and so on.
  const rest = ({ unsold: parts }: (typeof positions)[number]) => parts.at(-1)?.reason;
  assert.deepEqual(
    rows
      .filter(({ isin }) => unsold.some((one) => one.isin === isin))
      .map((row) => [row.isin, row.reason]),
    unsold.map((one) => [one.isin, rest(one)]),
  );
}

const reached = {
  sell: 0,
  wait: 0,
  end: 0,
  refused: 0,
  halted: 0,
  opened: 0,
  closed: 0,
  stopped: 0,
};

async function tryOne(one: World): Promise<void> {
  clock.set(start);
  await setVenues(one);
  const tenantId = await makeTenant(sql);
  const account = await setBook(tenantId, one);
  await setHalt(one, account);
  await setLimits(one, tenantId);
  const before = await preview(account);
  await assertAddsUp(before);
  const { refusal, release: expected } = before;
  if (refusal !== undefined) {
    reached.refused += 1;
    await assert.rejects(askToLiquidate(sql, clock, account), (error) => {
      return error instanceof Refusal && error.message === refusal.detail;
    });
    return;
  }
  await askToLiquidate(sql, clock, account);
  assert.equal((await liquidationOf(account)).cash_amount, before.totals.cash_amount);
  await releaseAll();
  if (expected.waiting !== undefined) {
    assert.equal((await liquidationOf(account)).status, 'NEW');
    assert.deepEqual(await ordersOf(account), []);
    if (expected.waiting.reason === 'halted') reached.halted += 1;
    if (expected.expected_at === undefined) {
      reached.closed += 1;
      return;
    }
    clock.set(later(expected.expected_at, -1));
    await releaseAll();
    assert.deepEqual(await ordersOf(account), [], 'not before its time');
    clock.set(expected.expected_at);
    await releaseAll();
    reached.opened += 1;
  }
  assert.deepEqual(await ordersOf(account), salesOf(before));
  const { status } = await liquidationOf(account);
  assert.equal(status, before.outcome === 'end' ? 'FILLED' : 'PROCESSING');
  reached[before.outcome] += 1;
  if (status !== 'PROCESSING') return;
  if (expected.waiting === undefined) {
    await assertAsInViews(account, before);
    await submitAll();
    await assertStopped(account, before);
  }
  const meanwhile = await preview(account);
  assert.match(meanwhile.refusal?.detail ?? '', /is still running/);
  assert.deepEqual(salesOf(meanwhile), [], 'what is being sold is not sold twice');
  await assertAddsUp(meanwhile);
}

test('a liquidation created right after a preview sells exactly what it said', async () => {
  await fc.assert(fc.asyncProperty(world, tryOne), {
    numRuns: isFull ? 1_000 : times({ short: 30, long: 80 }),
  });
  if (isFull) for (const [what, times] of Object.entries(reached)) assert.ok(times > 0, what);
});

/** Everything trades, and nothing is halted. */
const quiet: Pick<World, 'states' | 'instruments' | 'halt'> = {
  states: ['always', 'always', 'always'],
  instruments: [] as unknown as World['instruments'],
  halt: 'none',
};

/** As it was before, but for the venues: whatever the last world had halted is not. */
async function calm(states: World['states'] = quiet.states): Promise<void> {
  clock.set(start);
  await setVenues({ ...quiet, states } as World);
  await setHalt(quiet as World, { tenantId: newId(), accountId: newId(), userId: newId() });
}

test('each unit that is not sold has its reason, and prices have their age', async () => {
  await calm();
  const tenantId = await makeTenant(sql);
  const importedAt = later(start, -90_000);
  const [sap, apple, allianz, fund, siemens] = isins as [string, string, string, string, string];
  const [account] = await makeBook(sql, {
    tenantId,
    importedAt,
    instruments: [
      { isin: sap, price: '208.35', fractional: false },
      { isin: apple, price: '10' },
      { isin: allianz },
      { isin: fund, price: '1', tradingStatus: 'INACTIVE' },
      { isin: siemens, price: '1' },
    ],
    accounts: [
      {
        positions: [
          { isin: sap, quantity: '25.5', locked: '2' },
          { isin: apple, quantity: '7' },
          { isin: allianz, quantity: '1.25' },
          { isin: fund, quantity: '3', locked: '1' },
          { isin: siemens, quantity: '4' },
        ],
      },
    ],
  });
  assert.ok(account);
  await listInstruments(sql, { tenantId }, [
    { isin: sap, mic: 'XETR', symbol: 'SAP', lotSize: '10' },
    { isin: apple, mic: 'XNAS', currency: 'USD' },
    { isin: allianz, mic: 'XETR', lotSize: '0.01' },
    { isin: fund, mic: 'XETR' },
    { isin: siemens, mic: 'XLON' },
  ]);
  const asOf = later(start, -100 * 3_600_000);
  await enterRates(sql, { tenantId }, [{ currency: 'USD', rate: '0.9', asOf }]);
  const shown = await preview(account);
  const told = shown.positions.map(({ isin, sells, value, unsold }) => {
    return [isin, sells, value, unsold.map((part) => [part.quantity, part.reason, part.detail])];
  });
  const lots = 'orders at XETR are multiples of 10 units';
  assert.deepEqual(told, [
    [
      sap,
      '20',
      '4167.00',
      [
        ['0.5', 'fraction', 'only whole units of the instrument are sold'],
        ['5', 'odd_lot', lots],
      ],
    ],
    [siemens, '0', '0.00', [['4', 'unlisted', 'listed at XLON, where the service does not trade']]],
    [allianz, '1.25', undefined, []],
    [fund, '0', '0.00', [['3', 'inactive', undefined]]],
    [apple, '0', '0.00', [['7', 'no_rate', `the last rate for USD is of ${asOf.toISOString()}`]]],
  ]);
  const [first] = shown.positions;
  assert.deepEqual(
    [first?.venue, first?.symbol, first?.currency, first?.lot_size, first?.venue_open],
    ['XETR', 'SAP', 'EUR', '10', true],
  );
  assert.deepEqual([first?.price, first?.price_age_s], ['208.35', 90]);
  assert.deepEqual(first?.priced_at, importedAt);
  assert.deepEqual(shown.totals, {
    positions: 5,
    selling: 2,
    value: '4167.00',
    unpriced: 1,
    // Whole units of SAP, and all that can be sold at some time.
    cash_amount: '5285.75',
    currency: 'EUR',
    stopped: 0,
    by_currency: [{ currency: 'EUR', positions: 2, value: '4167.00', unpriced: 1 }],
  });
  await setHalt({ halt: 'instrument' } as World, account);
  const [halted] = (await preview(account)).positions;
  assert.deepEqual(halted?.unsold.at(-1), {
    reason: 'halted',
    quantity: '20',
    detail: 'halted by Tester: a test',
  });
});

test('what is due after its venue has closed waits for the next opening', async () => {
  await calm(['opens', 'always', 'always']);
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin: isins[0] ?? '', price: '1' }],
    accounts: [{ positions: [{ isin: isins[0] ?? '', quantity: '1' }] }],
  });
  assert.ok(account);
  await listInstruments(sql, { tenantId }, [{ isin: isins[0] ?? '', mic: 'XETR' }]);
  const closed = await preview(account);
  const opensAt = closed.release.expected_at ?? assert.fail();
  clock.set(later(opensAt, 58 * 60_000));
  const of = { ...account, hasRoom: true };
  const early = await previewLiquidation(sql, clock, of, { releaseDelayMs: 59_000 });
  assert.deepEqual(early?.release.expectedAt, early?.release.dueAt);
  const late = await previewLiquidation(sql, clock, of, { releaseDelayMs: 60_000 });
  assert.deepEqual(late?.release.waiting, { reason: 'venue_closed', venues: ['XETR'] });
  assert.deepEqual(late?.release.expectedAt, later(opensAt, 86_400_000));
  const full = await previewLiquidation(sql, clock, { ...of, hasRoom: false }, settings);
  assert.equal(full?.refusal?.code, 'too_many_requests');
  const few = { ...settings, positionsMax: 0 };
  const large = await previewLiquidation(sql, clock, of, few);
  assert.match(large?.refusal?.message ?? '', /more positions than one liquidation may sell/);
  assert.deepEqual(large?.positions, []);
});

test('on the command line: a table, or the document; exits 1 where it would be refused', async () => {
  await calm();
  const tenantId = await makeTenant(sql);
  const [sap] = isins as [string];
  const positions = [{ isin: sap, quantity: '3.5', locked: '1' }];
  const [account, locked] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin: sap, price: '10', fractional: false }],
    accounts: [{ positions }, { positions, status: 'LOCKED' }],
  });
  assert.ok(account && locked);
  await listInstruments(sql, { tenantId }, [{ isin: sap, mic: 'XETR' }]);
  const show = async ({ accountId }: { accountId: AccountId }, json = false) => {
    const stdout = new Screen();
    const code = await runPreview({ sql, clock, tenantId, stdout, json }, accountId, settings);
    return { code, text: stdout.text };
  };
  const { code, text } = await show(account);
  assert.equal(code, 0);
  assert.match(text, /^a liquidation +places the orders below$/m);
  assert.match(text, /^value +EUR 20.00 of 1 of 1 positions$/m);
  const line = text.split('\n').find((one) => one.startsWith(sap)) ?? '';
  assert.deepEqual(line.split(/ {2,}/), [
    ...[sap, '3.5', '2', 'XETR', '10', `${line.split(/ {2,}/)[5]}`, '20.00'],
    '0.5 fraction (only whole units of the instrument are sold); 1 locked (1 of 3.5 units are locked)',
  ]);
  assert.doesNotMatch(text, /controls/);
  await setLimits({ limits: { orderValueMax: '19.99' } } as World, tenantId);
  const stopped = (await show(account)).text;
  assert.match(stopped, /^controls stop +1 of them$/m);
  assert.match(stopped, / stopped by order_value \(EUR 20, at most EUR 19\.99\); 0\.5 fraction/);
  const document = JSON.parse((await show(account, true)).text);
  assert.equal(document.totals.value, '20.00');
  const refused = await show(locked);
  assert.equal(refused.code, 1);
  assert.match(refused.text, /^a liquidation +is refused: The account is LOCKED\.$/m);
  await assert.rejects(show({ accountId: newId() }), {
    name: 'RefusedError',
    message: /^client .* has no account /,
  });
});
