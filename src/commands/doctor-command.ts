// `unwind doctor`: looks at everything that an installation needs, and says what to do about each finding.

import type { Logger } from 'pino';
import { countCertified } from '../auth/clients-store.ts';
import { findStops } from '../controls/stops-store.ts';
import { checkDatabase } from '../db/check-database.ts';
import type { Sql } from '../db/connect.ts';
import { DatabaseClock } from '../db/database-clock.ts';
import { expectedSchema, hasSchema, readServerVersion, schemaState } from '../db/migrate.ts';
import { findHalts } from '../halts/halts-store.ts';
import { readBacklog, readOpenLiquidations } from '../metrics/store.ts';
import { printableLine } from '../printable.ts';
import { type Config, ConfigError } from '../settings/config.ts';
import { withDatabase } from '../settings/database.ts';
import { explain } from '../settings/explain.ts';
import { readSeal, refuseOtherKeyFile } from '../settings/key-file.ts';
import { packageVersion } from '../settings/package-version.ts';
import { findUnsealedAge } from '../trail/seals-store.ts';
import { findMarketTime, findTraded, findTrading } from '../venue/calendar-store.ts';
import { findSessions } from '../venue/fix/operate-store.ts';
import { countParked } from '../work/parked-store.ts';
import { disk, type Finding, type Health, keyFile } from './doctor-machine.ts';
import { durationText } from './progress-bar.ts';
import { type Output, printJson } from './run.ts';

/** Looks at everything and prints what it found. @returns 0 where nothing has to be mended, else 1. */
export async function runDoctor(
  config: Config,
  log: Logger,
  { stdout, json }: { readonly stdout: Output; readonly json: true | undefined },
): Promise<number> {
  const findings = await examine(config, log);
  const isWell = findings.every(({ health }) => health !== 'ill');
  if (json) printJson(stdout, { ok: isWell, version: packageVersion, findings });
  else for (const finding of findings) stdout.write(textOf(finding));
  return isWell ? 0 : 1;
}

const marks: Readonly<Record<Health, string>> = { well: '✓', note: '·', ill: '✗' };

function textOf({ subject, health, found, remedy }: Finding): string {
  const line = `${marks[health]} ${subject.padEnd(10)} ${found}`;
  const lines = remedy === undefined ? [line] : [line, `${' '.repeat(13)}${remedy}`];
  return `${lines.map(printableLine).join('\n')}\n`;
}

/** Everything that was looked at; what needs the database is left out where there is none. */
export async function examine(config: Config, log: Logger): Promise<readonly Finding[]> {
  const beside = [await keyFile(config), await disk(config)];
  try {
    const inside = await withDatabase(config, log, (sql) => ofDatabase(sql, config, log));
    return [...inside, ...beside];
  } catch (error) {
    const found = explain(error);
    if (found === undefined) throw error;
    const remedy =
      config.database.url === undefined
        ? `Its log lies in ${config.home}.`
        : 'Start it, or set DATABASE_URL to where it is.';
    return [{ subject: 'database', health: 'ill', found, remedy }, ...beside];
  }
}

async function ofDatabase(sql: Sql, config: Config, log: Logger): Promise<readonly Finding[]> {
  await checkDatabase(sql);
  const { shown } = await readServerVersion(sql);
  const clock = await DatabaseClock.read(sql, { log });
  const database = { subject: 'database', health: 'well', found: `PostgreSQL ${shown}` } as const;
  const schema = await ofSchema(sql);
  const before = [database, ofClock(clock), schema];
  if (schema.health === 'ill') return before;
  const now = clock.now();
  return [
    ...before,
    await ofKeys(sql, config),
    await ofCertificates(sql, config),
    await ofTrail(sql, now),
    ...(await ofVenues(sql, now)),
    await ofReceivers(sql, now),
    await ofWork(sql, now),
    await ofHalts(sql),
    await ofControls(sql),
    await ofParked(sql),
  ];
}

function ofClock(clock: DatabaseClock): Finding {
  const isIll = clock.describe() !== 'in step with the database';
  const finding = { subject: 'clock', found: `this machine is ${clock.describe()}` };
  if (!isIll) return { ...finding, health: 'well' };
  return {
    ...finding,
    health: 'ill',
    remedy: 'Set the clocks of both machines by NTP: clients see signatures as too old.',
  };
}

async function ofSchema(sql: Sql): Promise<Finding> {
  const subject = 'schema';
  const expected = await expectedSchema();
  const state = await schemaState(sql, expected);
  switch (state) {
    case 'current':
      return {
        subject,
        health: 'well',
        found: `number ${expected}, that of version ${packageVersion}`,
      };
    case 'ahead, compatible':
      return {
        subject,
        health: 'note',
        found: 'one step ahead, as in a rolling upgrade',
        remedy: 'Upgrade this machine too.',
      };
    case 'behind':
      return {
        subject,
        health: 'ill',
        found: (await hasSchema(sql)) ? `behind version ${packageVersion}` : 'none yet',
        remedy: 'Run "unwind migrate".',
      };
    case 'ahead':
      return {
        subject,
        health: 'ill',
        found: `ahead of version ${packageVersion}`,
        remedy: 'Upgrade Unwind on this machine.',
      };
  }
}

async function ofKeys(sql: Sql, config: Config): Promise<Finding> {
  const subject = 'keys';
  try {
    await refuseOtherKeyFile(sql, config, await readSeal(config));
    return { subject, health: 'well', found: 'the key file opens the keys that sign webhooks' };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      subject,
      health: 'ill',
      found: error.message,
      remedy: 'Set UNWIND_KEY_FILE to the file that was used before.',
    };
  }
}

/** What a proxy passes on reaches this service in a header, and in no other way. */
async function ofCertificates(sql: Sql, { requests }: Config): Promise<Finding> {
  const subject = 'mTLS';
  const count = await countCertified(sql);
  const has = count === 1 ? '1 client has' : `${count} clients have`;
  const found =
    count === 0 ? 'no client is bound to certificates' : `${has} certificates to call with`;
  if (count === 0 || requests.certificateHeader !== undefined) {
    return { subject, health: 'well', found };
  }
  const remedy =
    'Set UNWIND_CERTIFICATE_HEADER as the proxy does, or free them: unwind clients certificates ID --clear --reason …';
  return {
    subject,
    health: 'ill',
    found: `${found}, and all are refused: no header is set`,
    remedy,
  };
}

async function ofTrail(sql: Sql, now: Date): Promise<Finding> {
  const subject = 'trail';
  const { since } = await findUnsealedAge(sql, 1);
  const ageMs = since === undefined ? 0 : now.getTime() - since.getTime();
  if (ageMs <= idleSMax * 1_000) return { subject, health: 'well', found: 'sealed' };
  const found = `not sealed for ${durationText(ageMs)}: until then acts can be changed unseen`;
  return { subject, health: 'ill', found, remedy: startWorker };
}

async function ofVenues(sql: Sql, now: Date): Promise<readonly Finding[]> {
  const marketTime = await findMarketTime(sql, now);
  const sessions = new Map((await findSessions(sql, now)).map((one) => [one.venue, one]));
  const venues = await findTraded(sql);
  if (venues.length === 0) {
    const remedy = 'Start the service once: it makes its venues known.';
    return [{ subject: 'venues', health: 'note', found: 'none is known yet', remedy }];
  }
  return Promise.all(
    venues.map(async (mic): Promise<Finding> => {
      const subject = `venue ${mic}`;
      const { isOpen, halted, session: hours } = await findTrading(sql, mic, marketTime);
      const market = isOpen
        ? 'open'
        : `closed${hours ? ` until ${hours.opensAt.toISOString()}` : ''}`;
      const held = halted.length === 0 ? '' : `, ${halted.length} instruments halted`;
      const session = sessions.get(mic);
      if (session === undefined) return { subject, health: 'well', found: `${market}${held}` };
      const found = `${market}${held}, session ${session.status}${session.reason ? `: ${session.reason}` : ''}`;
      if (session.status === 'failed') {
        const remedy = `When its cause is mended: unwind fix resume ${mic} --reason …`;
        return { subject, health: 'ill', found, remedy };
      }
      if (session.isHeld) return { subject, health: 'well', found };
      const remedy = 'Start a worker (unwind start --roles worker): it connects by itself.';
      return { subject, health: 'note', found: `${found}, held by no process`, remedy };
    }),
  );
}

async function ofReceivers(sql: Sql, now: Date): Promise<Finding> {
  const subject = 'receivers';
  const {
    failingWebhooks = 0,
    longestWebhookFailureS = 0,
    webhooksWithGap = 0,
  } = (await readBacklog(sql, now)) ?? {};
  if (failingWebhooks + webhooksWithGap === 0) {
    return { subject, health: 'well', found: 'no subscription fails' };
  }
  const found =
    `${failingWebhooks} subscriptions fail, the longest for ${durationText(longestWebhookFailureS * 1_000)}; ` +
    `${webhooksWithGap} have lost events that were dropped`;
  const remedy =
    '"unwind webhooks" shows which, "unwind webhooks deliveries ID" what their receivers answer.';
  return { subject, health: 'ill', found, remedy };
}

/** Work that a working service does within a moment and that has waited longer is not being done, in s. */
const idleSMax = 60;
const startWorker = 'Look whether a worker runs: unwind start --roles worker.';

async function ofWork(sql: Sql, now: Date): Promise<Finding> {
  const subject = 'work';
  const backlog = await readBacklog(sql, now);
  const open = await readOpenLiquidations(sql, now);
  const count = [...open.counts.values()].reduce((a, b) => a + b, 0);
  const oldestS = Math.max(backlog?.oldestReportToApplyS ?? 0, backlog?.oldestEventToPublishS ?? 0);
  const found = `${count} liquidations are open, ${backlog?.ordersToSubmit ?? 0} orders are to be sent`;
  if (oldestS <= idleSMax) return { subject, health: 'well', found };
  const idle = `reports or events have waited for ${durationText(oldestS * 1_000)}`;
  return { subject, health: 'ill', found: `${found}; ${idle}`, remedy: startWorker };
}

/** Halts and stopped orders that are counted at most. */
const countedMax = 1_000;

/** What people have halted they may want so: it is nothing to mend, and easily forgotten. */
async function ofHalts(sql: Sql): Promise<Finding> {
  const subject = 'halts';
  const { things: halts, next } = await findHalts(sql, {
    ...{ tenantId: undefined, inForce: true, below: undefined, limit: countedMax },
  });
  if (halts.length === 0) return { subject, health: 'well', found: 'none is in force' };
  const oldest = halts.at(-1);
  const since = oldest === undefined ? '' : `, the oldest since ${oldest.setAt.toISOString()}`;
  const found = `${countOf(halts, next)} in force${since}: what they cover is not sold`;
  const remedy = '"unwind halts" says who and why; "unwind halts lift ID --reason …" ends one.';
  return { subject, health: 'note', found, remedy };
}

async function ofControls(sql: Sql): Promise<Finding> {
  const subject = 'controls';
  const { things: stops, next } = await findStops(sql, {
    ...{ tenantId: undefined, below: undefined, limit: countedMax },
  });
  if (stops.length === 0) return { subject, health: 'well', found: 'no order is stopped' };
  const found = `${countOf(stops, next)} orders are stopped by a pre-trade control`;
  const remedy =
    '"unwind controls stopped" says which and why; "unwind controls release ID --reason …" lets one pass.';
  return { subject, health: 'note', found, remedy };
}

function countOf(listed: readonly unknown[], next: unknown): string {
  return next === undefined ? String(listed.length) : `${listed.length} and more`;
}

async function ofParked(sql: Sql): Promise<Finding> {
  const subject = 'parked';
  const count = await countParked(sql);
  if (count === 0) return { subject, health: 'well', found: 'nothing waits for a person' };
  const remedy =
    '"unwind parked" says what and why; "unwind parked resume" lets the service try again.';
  return { subject, health: 'ill', found: `${count} wait for a person`, remedy };
}
