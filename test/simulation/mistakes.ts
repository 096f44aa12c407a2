// The known mistakes that mutations.ts plants, one at a time, to show that the simulation finds them.

export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Each text stands in its file exactly once. */
  readonly edits: readonly Edit[];
}

export interface Edit {
  /** Where it is not the file of the mistake. */
  readonly file?: string;
  readonly from: string;
  readonly to: string;
}

export const mutations: readonly Mutation[] = [
  {
    name: 'an order that never arrived is sent under a new client order id',
    file: 'src/orders/submit-orders.ts',
    edits: [
      {
        from: "<= now) return 'never_arrived';",
        to: "<= now) return { type: 'rejected', reason: 'never arrived', temporary: true };",
      },
    ],
  },
  {
    name: 'no answer counts as a refusal',
    file: 'src/orders/submit-orders.ts',
    edits: [
      {
        from: "{ type: 'unknown', reason: 'the venue did not answer' }",
        to: "{ type: 'rejected', reason: 'the venue did not answer', temporary: false }",
      },
    ],
  },
  {
    name: 'the state is not asked for when a client cancels',
    file: 'src/liquidations/made-store.ts',
    edits: [{ from: "where l.status = 'NEW'\n      and ", to: 'where ' }],
  },
  {
    name: 'two who finish the last orders of a liquidation lock nothing first',
    file: 'src/orders/progress-store.ts',
    edits: [
      {
        from: 'order by a.account_id\n    for no key update',
        to: 'order by a.account_id',
      },
      {
        from: 'order by l.liquidation_id\n    for no key update',
        to: 'order by l.liquidation_id',
      },
    ],
  },
  {
    name: 'two who publish do not take turns',
    file: 'src/events/store.ts',
    edits: [{ from: '\n    for update skip locked`;', to: '`;' }],
  },
  {
    name: 'a creation is not remembered under its key',
    file: 'src/liquidations/store.ts',
    edits: [
      {
        from: 'fragment`select r.object from rendered r`',
        to: 'fragment`select r.object from rendered r where false`',
      },
    ],
  },
  {
    name: 'a commit whose answer is lost counts as done',
    file: 'src/db/sql.ts',
    edits: [
      {
        from: "await command(lent, 'commit');",
        to: "await command(lent, 'commit').catch(() => 'COMMIT');",
      },
    ],
  },
  {
    name: 'no process takes over what a dead one was sending',
    file: 'src/orders/submission-store.ts',
    edits: [
      { from: 'and s.lease_expires_at <=', to: 'and s.lease_epoch > 9 and s.lease_expires_at <=' },
    ],
  },
  {
    name: 'a failed delivery counts as made',
    file: 'src/deliveries/session.ts',
    edits: [
      {
        from: "isCut ? { type: 'cut' } : outcomeOf(attempt, clock.now(), random());",
        to: "isCut ? { type: 'cut' } : outcomeOf({ ...attempt, type: 'answered', status: 204 } as Attempt, clock.now(), random());",
      },
    ],
  },
  {
    name: 'the offset passes what was not acknowledged',
    file: 'src/deliveries/progress-store.ts',
    edits: [
      {
        from: 'acknowledged_offset = g.acknowledged_offset,',
        to: 'acknowledged_offset = (select h.position from unwind.event_heads h where h.tenant_id = d.tenant_id),',
      },
    ],
  },
  {
    name: 'two requests of one account are under way at once',
    file: 'src/deliveries/accounts.ts',
    edits: [
      { from: 'for (const accountId of accountsOf(sending)) this.#busy.add(accountId);', to: '' },
    ],
  },
  {
    name: 'what is blocked is forgotten on a restart',
    file: 'src/deliveries/deliver-events.ts',
    edits: [{ from: 'const own = blocks[i];', to: 'const own = blocks[i] && [];' }],
  },
  {
    name: 'blocks are read without the lease',
    file: 'src/deliveries/delivery-store.ts',
    edits: [
      {
        from: '      and d.lease_epoch = g.epoch\n    left join unwind.blocked_accounts b',
        to: '    left join unwind.blocked_accounts b',
      },
    ],
  },
  {
    name: 'of a refused package one account is recorded',
    file: 'src/deliveries/progress-store.ts',
    edits: [{ from: 'rowsOf(blocked).as', to: 'rowsOf(blocked.slice(0, 1)).as' }],
  },
  {
    name: 'a replay skips what it was asked for',
    file: 'src/deliveries/replay.ts',
    edits: [{ from: 'offset: first - 1', to: 'offset: first' }],
  },
  {
    name: 'who delivers goes on beside a replay',
    file: 'src/deliveries/replay-store.ts',
    edits: [
      {
        from: 'lease_holder = null,\n      lease_expires_at = null,\n      lease_epoch = d.lease_epoch + 1',
        to: 'lease_epoch = d.lease_epoch + 1 - 1',
      },
      { from: 'recorded_epoch = d.lease_epoch + 1,', to: 'recorded_epoch = d.lease_epoch,' },
    ],
  },
  {
    name: 'what was published is published again',
    file: 'src/events/store.ts',
    edits: [
      {
        from: 'and e.position is null\n        and e.account_id = any',
        to: 'and e.account_id = any',
      },
      {
        from: 'and e.number = placed.number\n      and e.position is null',
        to: 'and e.number = placed.number',
      },
    ],
  },
  {
    name: 'no process takes over a subscription of a dead one',
    file: 'src/deliveries/delivery-store.ts',
    edits: [
      {
        from: 'and d.settings_at = o.settings_at\n        and (d.lease_expires_at is null or d.lease_expires_at <=',
        to: 'and d.settings_at = o.settings_at\n        and (d.lease_expires_at is null or d.lease_epoch > 99 and d.lease_expires_at <=',
      },
    ],
  },
  {
    name: 'a key ends when it is replaced',
    file: 'src/auth/signing-keys.ts',
    edits: [{ from: 'endsAt: oldKeyEndsAt }', to: 'endsAt: now }' }],
  },
  {
    name: 'a record of an ended claim counts beside that of the new one',
    file: 'src/deliveries/progress-store.ts',
    edits: [
      {
        from: 'join given g on g.n = l.n',
        to: 'join given g on g.tenant_id = l.tenant_id and g.webhook_id = l.webhook_id',
      },
      {
        file: 'src/deliveries/deliver-events.ts',
        from: 'for (const [old] of before) old.lose();',
        to: '',
      },
      {
        file: 'src/deliveries/deliver-events.ts',
        from: 'Promise.all(before.map(([, { done }]) => done))',
        to: 'Promise.resolve()',
      },
    ],
  },
  {
    name: 'two who take turns at a batch lock nothing first',
    file: 'src/batches/batch-store.ts',
    edits: [{ from: '\n    for no key update of b skip locked', to: '' }],
  },
  {
    name: 'who pauses or cancels a batch does not wait for its turn',
    file: 'src/batches/batch-store.ts',
    edits: [
      {
        from: 'for no key update`;\n  return rows[0] && toBatch(rows[0]);\n}\n\nfunction isOne',
        to: '`;\n  return rows[0] && toBatch(rows[0]);\n}\n\nfunction isOne',
      },
    ],
  },
  {
    name: 'the keeper is taken to grant what was asked, whatever it grants',
    file: 'src/reservations/wire.ts',
    edits: [{ from: 'granted: units, reason', to: 'granted: asked, reason' }],
  },
  {
    name: 'a keeper that does not answer has granted all',
    file: 'src/reservations/keeper.ts',
    edits: [
      {
        from: "if (attempt.type !== 'answered' || attempt.status !== 200) return unanswered(attempt);",
        to: "if (attempt.type !== 'answered' || attempt.status !== 200) return { type: 'granted', positions: question.positions.map((one) => ({ isin: one.isin, granted: one.quantity, reason: undefined })) };",
      },
    ],
  },
  {
    name: 'a report to the keeper counts as made once it is sent',
    file: 'src/reservations/report-sales.ts',
    edits: [{ from: "if (answer.type === 'reported') await", to: 'if (1 + 1 === 2) await' }],
  },
  {
    name: 'a correction is not reported to the keeper',
    file: 'src/reservations/reservations-store.ts',
    edits: [{ from: "and r.status = 'CLOSED'\n      and r.report > 0`", to: 'and false`' }],
  },
  {
    name: 'what a cancelled batch has reserved is never let go',
    file: 'src/batches/account-store.ts',
    edits: [
      {
        from: 'fragment`select c.liquidation_id from cancelled c`)',
        to: 'fragment`select c.liquidation_id from cancelled c where false`)',
      },
    ],
  },
  {
    name: 'halts are not read when something is claimed',
    file: 'src/halts/halts-store.ts',
    edits: [
      {
        from: 'const ofAnyStrength = fragment``;',
        to: 'const ofAnyStrength = fragment`and false`;',
      },
    ],
  },
  {
    name: 'a halt is answered before those who claim have seen it',
    file: 'src/halts/acknowledge-halt.ts',
    edits: [
      {
        from: 'return (await untilClaimed(sql, rest)) && (await untilSent({ sql, clock, rest }, target));',
        to: 'return true;',
      },
    ],
  },
  {
    name: 'what a control stops is sent all the same',
    file: 'src/controls/check-orders.ts',
    edits: [{ from: 'one.stops.length > 0;', to: 'one.stops.length > 9;' }],
  },
];
