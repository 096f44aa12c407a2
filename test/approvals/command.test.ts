// `unwind halts lift` and `unwind approvals`: four eyes on the command line, also of a halt across all clients.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, listApprovals } from '../../src/commands/approvals-command.ts';
import { setControls } from '../../src/commands/controls-command.ts';
import { lift, listHalts } from '../../src/commands/halts-command.ts';
import { everyTenant } from '../../src/halts/halt.ts';
import { newId } from '../../src/ids.ts';
import { decimal } from '../../src/money.ts';
import { begin } from '../halts/world.ts';

test('a halt across all clients that holds too much takes two persons', async (t) => {
  const { sql, clock, tenants, ask, halt, steps } = await begin(t);
  let printed = '';
  const write = (text: string) => {
    printed += text;
  };
  const on = { sql, clock, stdout: { write } };
  const says = async (work: Promise<number>, code = 0) => {
    printed = '';
    assert.equal(await work, code, printed);
    return printed;
  };
  const by = { reason: 'prices are right', actor: 'A. Risk' };
  const other = { reason: 'checked', actor: 'B. Desk' };
  await ask(tenants[0]);
  await ask(tenants[1]);
  const { haltId } = await halt({ tenantId: everyTenant });
  await steps.release();
  await says(setControls(on, { ...by, everything: true, fourEyes: decimal('139.99') }));
  assert.match(
    await says(lift(on, haltId, by), 1),
    /^Not lifted: it holds EUR 140, so a second person has to agree:\n {2}unwind approvals approve \S+ --actor … --reason …\n$/,
  );
  assert.match(await says(lift(on, haltId, by), 1), /it waits for a second person/);
  const listed = await says(listApprovals(on, {}));
  assert.match(listed, /pending: lift halt .*, which holds EUR 140\n {2}asked .* by A\. Risk: /);
  const [{ id }] = JSON.parse(await says(listApprovals(on, { json: true })));
  const approve = { id, as: 'approved' } as const;
  const nothing = { ...approve, id: newId<'approval'>() };
  assert.match(await says(decide(on, nothing, other), 1), /^There is no approval /);
  const same = await says(decide(on, approve, { ...by, actor: 'a. risk' }), 1);
  assert.match(same, /takes another person/);
  assert.match(await says(decide(on, { id, as: 'declined' }, other)), /^Declined: halt .* stays/);
  assert.match(await says(decide(on, approve, other), 1), /not pending any more/);
  await says(lift(on, haltId, by), 1);
  const [next] = JSON.parse(await says(listApprovals(on, { json: true })));
  const approved = await says(decide(on, { id: next.id, as: 'approved' }, other));
  assert.match(approved, /^Approved: halt .* is lifted/);
  assert.match(await says(lift(on, haltId, by), 1), /was lifted before/);
  assert.equal(await says(listApprovals(on, {})), 'There are none.\n');
  const all = await says(listApprovals(on, { all: true }));
  assert.match(all, /approved .* by B\. Desk: checked/);
  assert.match(all, /declined .* by B\. Desk: checked/);
  const halts = await says(listHalts(on, { all: true }));
  assert.match(halts, /lifted \S+ by A\. Risk, approved by B\. Desk: prices are right\n$/);
  const [lifted] = JSON.parse(await says(listHalts(on, { all: true, json: true })));
  assert.deepEqual([lifted.lifted_by, lifted.lift_approved_by], ['A. Risk', 'B. Desk']);
});
