// `unwind controls`: the limits that orders have to keep before they are sent, of one client or of all; lists
// orders that they have stopped, and releases them.

import { type Command, InvalidArgumentError } from 'commander';
import { hasClient } from '../book/import-store.ts';
import type { ControlsId, Limits, StopId } from '../controls/control.ts';
import { type Controls, findControls, replaceControls } from '../controls/controls-store.ts';
import { findStoppedOrder, findStops } from '../controls/stops-store.ts';
import type { Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { untilAcknowledged } from '../halts/acknowledge-halt.ts';
import { everyTenant } from '../halts/halt.ts';
import { controlsView, stopView } from '../http/pre-trade-views.ts';
import { newId, type TenantId } from '../ids.ts';
import { type Decimal, decimal } from '../money.ts';
import { releaseStop } from '../orders/release-stop.ts';
import { nameOfUser } from '../person-name.ts';
import { printableLine } from '../printable.ts';
import { recordAct } from '../trail/acts-store.ts';
import { actOfCommand, type By } from './acting.ts';
import { clientId, idText, personName, reasonText, wholeUpTo } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { notDone, type OnDatabase, printJson, runOnDatabase } from './run.ts';
import { RefusedError, UsageError } from './usage-error.ts';

interface Whose {
  readonly client?: TenantId;
  readonly everything?: true;
}

interface SetOptions extends Whose {
  readonly orderQuantity?: Decimal;
  readonly orderValue?: Decimal;
  readonly dayValue?: Decimal;
  readonly priceAge?: number;
  readonly priceCollar?: Decimal;
  readonly fourEyes?: Decimal;
  readonly rejections?: Limits['rejections'];
  readonly replaces?: ControlsId;
  readonly reason: string;
  readonly actor: string;
}

export function addControlsCommands(program: Command): void {
  const controls = nounOf(program, 'controls');
  controls
    .command('show', { isDefault: true })
    .description('the controls in force')
    .option('--client <id>', 'those that hold for this client (default: those of all)', clientId)
    .option('--json', 'one JSON document instead of text')
    .action((options: ShowOptions) =>
      runOnDatabase((on) => showControls(on, options), options.client),
    );
  controls
    .command('set')
    .description('replace the controls as a whole: what is not given is not limited')
    .option('--client <id>', 'of this client', clientId)
    .option('--everything', 'of all clients')
    .option('--order-quantity <units>', 'units of one order at most', amount)
    .option('--order-value <eur>', 'quantity times last price of one order at most', amount)
    .option('--day-value <eur>', 'of all orders of a client since midnight UTC at most', amount)
    .option('--price-age <seconds>', 'age of the last price at most', wholeSeconds)
    .option('--price-collar <percent>', 'last execution from last price at most', amount)
    .option(
      '--four-eyes <eur>',
      'what one person may lift a halt of, or start a batch of, at most',
      amount,
    )
    .option('--rejections <n/seconds>', 'so many halt the venue, for example 10/60', rejections)
    .option(
      '--replaces <id>',
      'those in force, as `unwind controls show` has them',
      idText<'controls'>,
    )
    .requiredOption('--reason <text>', 'why, for those who ask later', reasonText)
    .option('--actor <name>', 'who has decided it', personName, nameOfUser())
    .action((options: SetOptions) => runOnDatabase((on) => setControls(on, options)));
  controls
    .command('stopped')
    .description('orders that controls stop now, the latest first')
    .option('--client <id>', 'only of this client', clientId)
    .option('--json', 'one JSON document instead of text')
    .action((options: ShowOptions) =>
      runOnDatabase((on) => listStopped(on, options), options.client),
    );
  controls
    .command('release')
    .description('let an order pass the control that stops it')
    .argument('<stop>', 'its id, as `unwind controls stopped` shows it', idText<'stop'>)
    .requiredOption('--reason <text>', 'why, for those who ask later', reasonText)
    .option('--actor <name>', 'who has decided it', personName, nameOfUser())
    .action((id: StopId, by: By) => runOnDatabase((on) => release(on, id, by)));
}

interface ShowOptions {
  readonly client?: TenantId;
  readonly json?: boolean;
}

function amount(text: string): Decimal {
  if (/^(?=.*[1-9])[0-9]{1,18}(\.[0-9]{1,12})?$/.test(text)) return decimal(text);
  throw new InvalidArgumentError('It is no number above 0, such as 250000 or 12.5.');
}

const secondsMax = 31 * 86_400;

const wholeSeconds = wholeUpTo(secondsMax);

function rejections(text: string): Limits['rejections'] {
  const [, max = '', window = ''] = /^([1-9][0-9]{0,2})\/([0-9]{1,7})$/.exec(text) ?? [];
  if (max === '')
    throw new InvalidArgumentError('It is not like 10/60: so many in so many seconds.');
  return { max: Number(max), windowS: wholeSeconds(window) };
}

/** Sets controls. @returns 0; 1 where they are in force, but orders may be under way that they have not checked. */
export async function setControls(on: OnDatabase, options: SetOptions): Promise<number> {
  const { sql, clock, stdout } = on;
  const { client, everything, reason, actor: person } = options;
  if ((client === undefined) === (everything === undefined)) {
    throw new UsageError('say whose: --client or --everything.');
  }
  if (client !== undefined && !(await hasClient(sql, client))) {
    throw new RefusedError(`there is no client ${client}; nothing is set.`);
  }
  const controls: Controls = {
    tenantId: client ?? everyTenant,
    controlsId: newId<'controls'>(),
    orderQuantityMax: options.orderQuantity,
    orderValueMax: options.orderValue,
    dayValueMax: options.dayValue,
    priceAgeMaxS: options.priceAge,
    priceCollarPercent: options.priceCollar,
    rejections: options.rejections,
    fourEyesMax: options.fourEyes,
    reason,
    person,
    setAt: clock.now(),
  };
  const act = actOfCommand(controls.setAt, {
    ...{ operation: 'set_controls', target: '/controls', actor: person, reason },
    detail: whoseName(controls.tenantId),
  });
  await inTransaction(sql, async (tx) => {
    if (!(await replaceControls(tx, controls, options.replaces)))
      throw await otherInForce(tx, controls);
    await recordAct(tx, controls.tenantId, act);
  });
  stdout.write(`Set for ${whoseName(controls.tenantId)}:\n${linesOf(controls).join('\n')}\n`);
  const { tenantId } = controls;
  const all = { tenantId, accountId: undefined, isin: undefined, venue: undefined };
  if (await untilAcknowledged(sql, clock, all)) return 0;
  stdout.write(
    `A process may still be sending what it checked before. Set them once more to wait again, with\n` +
      `  --replaces ${controls.controlsId}\n`,
  );
  return 1;
}

/** Another person has set controls since the caller looked: theirs would be lost without a word. */
async function otherInForce(tx: Tx, { tenantId }: Controls): Promise<RefusedError> {
  const found = (await findControls(tx, tenantId)).find((one) => one.tenantId === tenantId);
  const whose = whoseName(tenantId);
  if (found === undefined) {
    return new RefusedError(
      `no controls of ${whose} are in force: leave out --replaces; nothing is set.`,
    );
  }
  const { controlsId, person, setAt } = found;
  return new RefusedError(
    `controls of ${whose} are in force since ${setAt.toISOString()}, set by ${person}; nothing is set. ` +
      `Look at them with "unwind controls show", and replace them with --replaces ${controlsId}.`,
  );
}

function whoseName(tenantId: TenantId): string {
  return tenantId === everyTenant ? 'all clients' : `client ${tenantId}`;
}

function linesOf(controls: Controls): readonly string[] {
  const {
    id,
    reason,
    person,
    set_at: setAt,
    rejections: brake,
    ...limits
  } = controlsView(controls);
  const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  return [
    ...given.map(([name, limit]) => `  ${name.padEnd(22)}${limit}`),
    ...(brake ? [`  rejections            ${brake.max} in ${brake.window_s} s`] : []),
    ...(given.length === 0 && brake === undefined ? ['  nothing is limited'] : []),
    `  set ${setAt.toISOString()} by ${person}: ${reason}`,
    `  id ${id}`,
  ].map(printableLine);
}

/** Shows the controls in force. @returns 0, also where there are none. */
export async function showControls(
  { sql, stdout }: Pick<OnDatabase, 'sql' | 'stdout'>,
  { client = everyTenant, json = false }: ShowOptions,
): Promise<number> {
  const found = await findControls(sql, client);
  if (json) {
    const shown = found.map((one) => ({ client_id: one.tenantId, ...controlsView(one) }));
    return printJson(stdout, shown);
  }
  if (found.length === 0) {
    stdout.write(
      client === everyTenant
        ? 'There are none across clients. Those of one: unwind controls show --client ID\n'
        : 'There are none, neither of this client nor across clients.\n',
    );
  }
  for (const one of found) {
    stdout.write(`Of ${whoseName(one.tenantId)}:\n${linesOf(one).join('\n')}\n`);
  }
  return 0;
}

const listedMax = 1_000;

/** Lists stopped orders. @returns 0, also where there are none. */
export async function listStopped(
  { sql, stdout }: Pick<OnDatabase, 'sql' | 'stdout'>,
  { client: tenantId, json = false }: ShowOptions,
): Promise<number> {
  const { things: stops } = await findStops(sql, { tenantId, below: undefined, limit: listedMax });
  if (json) return printJson(stdout, stops.map(stopView));
  if (stops.length === 0) stdout.write('There are none.\n');
  for (const stop of stops) {
    const lines = [
      `${stop.stopId}  ${stop.control}: ${stop.detail}`,
      `  order ${stop.orderId}: ${stop.quantity} ${stop.isin} at ${stop.venue}, since ${stop.stoppedAt.toISOString()}`,
    ];
    stdout.write(`${lines.map(printableLine).join('\n')}\n`);
  }
  return 0;
}

/** Releases an order. @returns 0; 1 where there is none to release. */
export async function release(
  { sql, clock, stdout }: OnDatabase,
  stopId: StopId,
  { reason, actor: by }: By,
): Promise<number> {
  const order = await findStoppedOrder(sql, { tenantId: undefined, stopId });
  if (order === undefined) return notDone(stdout, `There is no stopped order ${stopId}.`);
  const at = clock.now();
  const target = `/controls/stopped/${stopId}/release`;
  const act = actOfCommand(at, { operation: 'release_stopped_order', target, actor: by, reason });
  const released = await inTransaction(sql, async (tx) => {
    const result = await releaseStop(tx, { ...order, stopId }, { at, by, reason });
    if (result !== undefined) await recordAct(tx, order.tenantId, act);
    return result;
  });
  if (released === undefined) {
    return notDone(stdout, 'The order is not stopped by this control any more.');
  }
  stdout.write(`Released: order ${released.orderId} passes ${released.control}.\n`);
  return 0;
}
