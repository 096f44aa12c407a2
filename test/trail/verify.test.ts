// The trail of a working service verifies; what the owner of the database does to it by SQL is found:
// one of each kind of tampering, and one for each column.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { raw } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { FindingKind } from '../../src/trail/finding.ts';
import { sealTextSql } from '../../src/trail/seals-store.ts';
import { type TrailReport, verifyTrail, verifyWithin } from '../../src/trail/verify-trail.ts';
import { createTestDatabase } from '../support/database.ts';
import { act, makeTrail, tables } from './world.ts';

const { sql } = await createTestDatabase({ after });
const { clock, tenantId } = await makeTrail(sql);

test('what a working service has recorded and sealed verifies', async () => {
  await act(sql, clock, tenantId);
  const which = { tables, now: clock.now() };
  const { counts, findings, unsealedSince } = await verifyTrail(sql, which);
  assert.deepEqual(findings.listed, []);
  const inPages = await verifyTrail(sql, { ...which, entriesAtOnce: 1 });
  assert.deepEqual([inPages.counts, inPages.findings.total], [counts, 0]);
  const [rows] = await sql<{ rows: number; acts: number }[]>`
    select
      (
        (select count(*) from unwind.movements) + (select count(*) from unwind.executions)
      )::integer as rows,
      (select count(*) from unwind.acts)::integer as acts`;
  assert.equal(counts.rows, rows?.rows);
  assert.equal(counts.acts, (rows?.acts ?? 0) - 1);
  assert.equal(counts.unsealed, 1);
  assert.deepEqual(unsealedSince, clock.now());
});

/** Tampers as the owner of the database does, verifies, and leaves everything as it was. */
async function verifyTampered(statements: string): Promise<TrailReport> {
  const undone = new Error('undone');
  let report: TrailReport | undefined;
  const work = inTransaction(sql, async (tx) => {
    await tx.script(statements);
    // So few at once that what a seal holds is read in several pages.
    const which = { tables, now: clock.now(), entriesAtOnce: 2 };
    report = await verifyWithin(tx, which, async () => {});
    throw undone;
  });
  await assert.rejects(work, undone);
  assert.ok(report);
  return report;
}

test('what was recorded before there was a trail is recorded by the upgrade as it is', async () => {
  const file = new URL('../../src/db/migrations/0012-trail.sql', import.meta.url);
  const text = await readFile(file, 'utf8');
  const [, filling = ''] = /(insert into unwind\.trail_records.*?)create view/s.exec(text) ?? [];
  const before = await verifyTrail(sql, { tables, now: clock.now() });
  const { counts, findings } = await verifyTampered(`
    truncate unwind.seals, unwind.acts, unwind.trail_records;
    ${filling}`);
  assert.deepEqual(findings.listed, []);
  assert.ok(counts.rows > 0);
  assert.equal(counts.rows, before.counts.rows);
});

const mine = `tenant_id = '${tenantId}'`;
/** SQL: one of a table, of which there are others before and behind it. */
const one = (id: string, table: string, where = 'true') => {
  return `(select ${id} from unwind.${table} where ${mine} and ${where} order by ${id} offset 2 limit 1)`;
};
const sale = one('movement_id', 'movements', "reason = 'execution'");
const execution = one('execution_id', 'executions', 'busted_at is null');
const sealedAct = `(
  select act_id from unwind.acts where ${mine} order by commit_order, act_id offset 4 limit 1
)`;
const record = one('record_id', 'trail_records', "kind = 'movement/1'");
const bustedOne = `(
  select execution_id from unwind.executions where ${mine} and busted_at is not null limit 1
)`;
const nextAct = sealedAct.replace('offset 4', 'offset 5');
const stranger = "'ffffffff-0000-7000-8000-000000000000'::uuid";
const seal = 3;
const ofSeal = `${mine} and number = ${seal}`;
const zeros = "decode(repeat('00', 32), 'hex')";

/** SQL: the hash of a seal as it is now, as its maker would compute it. */
const hash = (alias: string) => {
  const text = sealTextSql.strings.join('').replaceAll(/\bs\./g, `${alias}.`);
  return `sha256(convert_to(${text}, 'UTF8'))`;
};

interface Tampering {
  readonly what: string;
  readonly by: string;
  readonly found: FindingKind;
  /** SQL: the id that is named; default: of the seal. */
  readonly id?: string;
}

const everyColumn = (
  table: string,
  {
    id,
    of,
    noun,
    columns,
  }: {
    readonly id: string;
    readonly of: string;
    readonly noun: 'act' | 'row';
    readonly columns: Readonly<Record<string, string>>;
  },
): readonly Tampering[] => {
  return Object.entries(columns).map(([column, value]) => ({
    what: `${column} of ${table} is edited`,
    by: `update unwind.${table} set ${column} = ${value} where ${mine} and ${id} = ${of}`,
    found: `${noun}_edited`,
    id: of,
  }));
};

const tamperings: readonly Tampering[] = [
  ...everyColumn('movements', {
    ...{ id: 'movement_id', of: sale, noun: 'row' },
    columns: {
      quantity: 'quantity - 1',
      cash: 'cash + 0.01',
      uncovered: 'uncovered + 0.5',
      effective_at: "effective_at - interval '1 second'",
      recorded_at: "recorded_at + interval '1 microsecond'",
      account_id: 'gen_random_uuid()',
      isin: "'DE0008404005'",
    },
  }).map((one) => ({
    ...one,
    by: `alter table unwind.movements drop constraint movements_account; ${one.by}`,
  })),
  ...everyColumn('executions', {
    ...{ id: 'execution_id', of: execution, noun: 'row' },
    columns: {
      price: 'price * 2',
      quantity: 'quantity + 1',
      proceeds: 'proceeds - 0.01',
      venue: "'XLON'",
      venue_execution_id: "'another'",
      liquidation_id: 'gen_random_uuid()',
      executed_at: "executed_at - interval '1 day'",
    },
  }),
  ...everyColumn('acts', {
    ...{ id: 'act_id', of: sealedAct, noun: 'act' },
    columns: {
      acted_at: "acted_at - interval '1 second'",
      actor: "'somebody else'",
      origin: 'null',
      operation: "'cancel_account_liquidation'",
      target: "target || ' '",
      reason: "''",
      subject: "''",
      detail: "'another'",
      request_sha256: zeros,
      kind: "'person'",
      commit_order: 'commit_order - 1',
    },
  }),
  {
    what: 'a movement is removed',
    by: `delete from unwind.movements where ${mine} and movement_id = ${sale}`,
    found: 'row_removed',
    id: sale,
  },
  {
    what: 'a movement is given to another client',
    by: `
      alter table unwind.movements drop constraint movements_account;
      update unwind.movements set tenant_id = gen_random_uuid() where ${mine} and movement_id = ${sale}`,
    found: 'row_removed',
    id: sale,
  },
  {
    what: 'a movement is inserted',
    by: `
      insert into unwind.movements (
        tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, effective_at, recorded_at
      )
      select tenant_id, ${stranger}, account_id, isin, 5, 0, 0, 'import', effective_at, recorded_at
      from unwind.movements where ${mine} and movement_id = ${sale}`,
    found: 'row_inserted',
    id: stranger,
  },
  {
    what: 'an execution is removed with its movement',
    by: `
      delete from unwind.movements where ${mine} and execution_id = ${execution};
      delete from unwind.executions where ${mine} and execution_id = ${execution}`,
    found: 'row_removed',
    id: execution,
  },
  {
    what: 'an execution is inserted',
    by: `
      insert into unwind.executions
      select (jsonb_populate_record(e, jsonb_build_object(
        'execution_id', ${stranger}, 'venue_execution_id', 'invented'
      ))).*
      from unwind.executions e where ${mine} and execution_id = ${execution}`,
    found: 'row_inserted',
    id: stranger,
  },
  {
    what: 'an execution counts as void without a bust',
    by: `update unwind.executions set busted_at = recorded_at where ${mine} and execution_id = ${execution}`,
    found: 'row_contradicted',
    id: execution,
  },
  {
    what: 'a void execution counts again',
    by: `update unwind.executions set busted_at = null where ${mine} and execution_id = ${bustedOne}`,
    found: 'row_contradicted',
    id: bustedOne,
  },
  {
    what: 'an act is removed',
    by: `delete from unwind.acts where ${mine} and act_id = ${sealedAct}`,
    found: 'act_removed',
    id: sealedAct,
  },
  {
    what: 'an act is inserted among those of old',
    by: `
      insert into unwind.acts
      select (jsonb_populate_record(a, jsonb_build_object('act_id', ${stranger}))).*
      from unwind.acts a where ${mine} and act_id = ${sealedAct}`,
    found: 'act_inserted',
    id: stranger,
  },
  ...(
    [
      ['acts', 'act_id', sealedAct, 'act_inserted'],
      ['trail_records', 'record_id', record, 'record_inserted'],
    ] as const
  ).flatMap(([table, id, of, found]) => {
    const copy = (order: string) => `
      insert into unwind.${table}
      select (jsonb_populate_record(e, jsonb_build_object('commit_order', ${order}))).*
      from unwind.${table} e where ${mine} and ${id} = ${of}`;
    const within = `(
      select s.last_order - (s.last_order = e.commit_order)::integer from unwind.seals s
      where s.${mine} and e.${id} = any (s.${table === 'acts' ? 'act_ids' : 'record_ids'})
    )`;
    // The server counts the transactions of all other tests as well; it comes this far in none of their runs.
    const ahead = 'pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000000';
    const forged = copy(ahead).replace('build_object(', `build_object('${id}', ${stranger}, `);
    return [
      { what: `one of ${table} is there twice, outside of its seal`, by: copy('1'), found, id: of },
      { what: `one of ${table} is there twice, within its seal`, by: copy(within), found, id: of },
      { what: `one of ${table} is there twice, in times to come`, by: copy(ahead), found, id: of },
      {
        what: `one of ${table} stands where no transaction has been yet`,
        by: forged,
        found,
        id: stranger,
      },
    ];
  }),
  {
    what: 'an act waits for a seal for longer than sealing takes',
    by: `
      insert into unwind.acts
      select (jsonb_populate_record(a, jsonb_build_object(
        'act_id', ${stranger}, 'commit_order', pg_current_xact_id()::text::bigint
      ))).*
      from unwind.acts a where ${mine} and act_id = ${sealedAct}`,
    found: 'act_unsealed',
    id: stranger,
  },
  {
    what: 'two acts have changed places',
    by: `
      update unwind.acts a
      set commit_order = (
        select sum(o.commit_order) from unwind.acts o
        where o.${mine} and o.act_id in (${sealedAct}, ${nextAct})
      ) - a.commit_order
      where ${mine} and act_id in (${sealedAct}, ${nextAct})`,
    found: 'act_edited',
    id: nextAct,
  },
  {
    what: 'an act is given to another client',
    by: `update unwind.acts set tenant_id = ${stranger} where ${mine} and act_id = ${sealedAct}`,
    found: 'act_removed',
    id: sealedAct,
  },
  {
    what: 'a record forgets one of its rows',
    by: `
      update unwind.trail_records
      set ids = ids[2:], hashes = substr(hashes, 33)
      where ${mine} and record_id = ${record}`,
    found: 'record_edited',
    id: record,
  },
  {
    what: 'a movement is edited, and its record with it',
    by: `
      update unwind.movements set cash = cash + 100 where ${mine} and movement_id = ${sale};
      update unwind.trail_records set hashes = overlay(hashes placing ${zeros} from 1)
      where ${mine} and record_id = ${record}`,
    found: 'record_edited',
    id: record,
  },
  {
    what: 'a record is removed with its rows',
    by: `
      delete from unwind.movements m using unwind.trail_records r
      where r.${mine} and r.record_id = ${record} and m.${mine} and m.movement_id = any (r.ids);
      delete from unwind.trail_records where ${mine} and record_id = ${record}`,
    found: 'record_removed',
    id: record,
  },
  {
    what: 'a record is inserted among those of old, to cover a row',
    by: `
      insert into unwind.trail_records
      select tenant_id, commit_order, ${stranger}, kind, ids, hashes
      from unwind.trail_records where ${mine} and record_id = ${record}`,
    found: 'record_inserted',
    id: stranger,
  },
  ...[
    "sealed_at = sealed_at - interval '1 second'",
    'act_ids = act_ids[2:], act_hashes = substr(act_hashes, 33)',
    `act_hashes = overlay(act_hashes placing ${zeros} from 1)`,
    "snapshot = '1:1:'",
    `previous = ${zeros}`,
    'last_order = last_order + 1',
    `hash = ${zeros}`,
  ].map((change): Tampering => {
    const by = `update unwind.seals set ${change} where ${ofSeal}`;
    return { what: `a seal is edited: ${change.slice(0, 40)}`, by, found: 'seal_edited' };
  }),
  {
    what: 'an act, its seal and the hash of the seal are edited',
    by: `update unwind.seals set act_hashes = overlay(act_hashes placing ${zeros} from 1) where ${ofSeal};
      update unwind.seals s set hash = ${hash('s')} where ${ofSeal}`,
    found: 'seal_unlinked',
    id: `${seal + 1}`,
  },
  {
    what: 'a seal is removed from within',
    by: `delete from unwind.seals where ${ofSeal}`,
    found: 'seal_missing',
  },
  {
    what: 'the first seal is removed',
    by: `delete from unwind.seals where ${mine} and number = 1`,
    found: 'seal_missing',
    id: '1',
  },
  {
    what: 'two seals have changed places',
    by: `
      alter table unwind.seals drop constraint seals_form;
      update unwind.seals set number = -number where ${mine} and number in (${seal}, ${seal + 1});
      update unwind.seals set number = ${2 * seal + 1} + number where ${mine} and number < 0`,
    found: 'seal_edited',
  },
  {
    what: 'the clock was set back when a seal was made',
    by: `
      update unwind.seals s set sealed_at = sealed_at - interval '1 day' where ${ofSeal};
      update unwind.seals s set hash = ${hash('s')} where ${ofSeal}`,
    found: 'seal_backdated',
  },
  {
    what: 'the table of acts is replaced by one without an act',
    by: `
      alter table unwind.acts rename to acts_before;
      create table unwind.acts as
        select * from unwind.acts_before where not (${mine} and act_id = (
          select act_id from unwind.acts_before where ${mine}
          order by commit_order, act_id offset 4 limit 1
        ))`,
    found: 'act_removed',
    id: sealedAct,
  },
  {
    what: 'the table of movements is replaced by a view that changes a price',
    by: `
      alter table unwind.movements rename to movements_before;
      create view unwind.movements as
        select tenant_id, movement_id, account_id, isin, quantity, locked,
          case when movement_id = ${sale.replace('unwind.movements', 'unwind.movements_before')} then cash + 1 else cash end as cash, uncovered, reason,
          execution_id, reference, effective_at, recorded_at
        from unwind.movements_before`,
    found: 'row_edited',
    id: sale,
  },
  {
    what: 'all acts are removed',
    by: 'truncate unwind.acts',
    found: 'act_removed',
    id: sealedAct,
  },
  {
    what: 'the chain has another id',
    by: 'update unwind.trail_chain set chain_id = gen_random_uuid()',
    found: 'seal_unlinked',
    id: '1',
  },
];

for (const { what, by, found, id } of tamperings) {
  test(`it is found that ${what}`, async () => {
    const named = id === undefined || /^[0-9]+$/.test(id) ? (id ?? String(seal)) : await idOf(id);
    const { findings } = await verifyTampered(by);
    const kinds = findings.listed.filter((one) => one.kind === found && one.tenantId === tenantId);
    assert.ok(
      kinds.some((one) => one.id === named),
      `${found} ${named} in ${JSON.stringify(findings.listed)}`,
    );
  });
}

async function idOf(id: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`select ${raw(id)} as id`;
  assert.ok(row?.id);
  return row.id;
}
