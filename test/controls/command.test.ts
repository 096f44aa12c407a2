// `unwind controls`: set, shown, stopped orders listed and released, and what it refuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  listStopped,
  release,
  setControls,
  showControls,
} from '../../src/commands/controls-command.ts';
import { newId } from '../../src/ids.ts';
import { decimal } from '../../src/money.ts';
import { begin, sap } from '../halts/world.ts';

test('controls are set for a client or for all, and stopped orders are released', async (t) => {
  const { sql, clock, tenants, steps, ask, journal } = await begin(t);
  let printed = '';
  const on = {
    sql,
    clock,
    stdout: {
      write: (text: string) => {
        printed += text;
      },
    },
  };
  const says = async (work: Promise<number>, code = 0) => {
    printed = '';
    assert.equal(await work, code);
    return printed;
  };
  const by = { reason: 'limits of 2026', actor: 'A. Risk' };
  const [client] = tenants;
  const none = await says(showControls(on, {}));
  assert.equal(
    none,
    'There are none across clients. Those of one: unwind controls show --client ID\n',
  );
  assert.match(await says(showControls(on, { client })), /^There are none, neither of this client/);
  const unsaid = setControls(on, by);
  await assert.rejects(unsaid, { name: 'UsageError', message: /--client or --everything/ });
  const both = setControls(on, { ...by, client, everything: true });
  await assert.rejects(both, { name: 'UsageError', message: /--client or --everything/ });
  const nobody = setControls(on, { ...by, client: newId<'tenant'>() });
  await assert.rejects(nobody, {
    name: 'RefusedError',
    message: /^there is no client .*; nothing is set/,
  });
  const rejections = { max: 10, windowS: 60 };
  const set = await says(setControls(on, { ...by, everything: true, rejections }));
  assert.match(
    set,
    /^Set for all clients:\n {2}rejections {12}10 in 60 s\n {2}set .* by A\. Risk: limits of 2026\n {2}id [-0-9a-f]{36}\n$/,
  );
  await says(setControls(on, { ...by, client, orderValue: decimal('29.5') }));
  const shown = await says(showControls(on, { client }));
  assert.match(shown, /Of all clients:/);
  assert.match(shown, /order_value_max {7}29\.5\n/);
  const json = JSON.parse(await says(showControls(on, { client, json: true })));
  assert.equal(json.length, 2);
  const { id: seen } = json.find((one: { client_id: string }) => one.client_id === client);
  const unseen = setControls(on, { ...by, client, dayValue: decimal('5') });
  await assert.rejects(unseen, {
    name: 'RefusedError',
    message: new RegExp(`in force since .*, set by A. Risk; nothing is set.* --replaces ${seen}`),
  });
  const noOther = setControls(on, { ...by, client: tenants[1], replaces: seen });
  await assert.rejects(noOther, { name: 'RefusedError', message: /leave out --replaces/ });
  const orderValue = decimal('29.5');
  await says(setControls(on, { ...by, client, orderValue, replaces: seen }));
  await ask(client, [{ isin: sap, quantity: '3' }]);
  await steps.release();
  await steps.submit();
  const stopped = await says(listStopped(on, { client }));
  assert.match(
    stopped,
    /order_value: EUR 30, at most EUR 29\.5\n {2}order .*: 3 DE0007164600 at XSIM, since /,
  );
  const [{ id }] = JSON.parse(await says(listStopped(on, { json: true })));
  assert.match(await says(release(on, newId<'stop'>(), by), 1), /^There is no stopped order /);
  assert.match(await says(release(on, id, by)), /^Released: order .* passes order_value\.\n$/);
  assert.match(await says(release(on, id, by), 1), /not stopped by this control any more/);
  await steps.submit();
  assert.deepEqual(await journal(), [sap]);
  assert.equal(await says(listStopped(on, {})), 'There are none.\n');
});
