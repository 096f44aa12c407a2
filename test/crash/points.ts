// The named points at which a process is killed or put to sleep. A step is known by a statement of
// its commit, so nothing of the service has to help: a relay before the database reads along. The
// two tables are all there is to a point; one that is never reached fails the run.

export interface StepMark {
  /** The application name of the connections that take the step. */
  readonly pool: 'unwind requests' | 'unwind loops' | 'unwind venue';
  /** A statement of its commit, one that is only sent when there is something to do. */
  readonly statement: RegExp;
}

/** The steps of a liquidation's life, in its order. */
export const steps = {
  create: { pool: 'unwind requests', statement: /insert into unwind\.liquidations as l/ },
  cancel: { pool: 'unwind requests', statement: /end_reason = 'client',/ },
  start: { pool: 'unwind loops', statement: /insert into unwind\.liquidations as l/ },
  ask: { pool: 'unwind loops', statement: /lease_epoch = r\.lease_epoch \+ 1/ },
  grant: { pool: 'unwind loops', statement: /\banswered_at = \$\d+,\s+next_at = null/ },
  tell: { pool: 'unwind loops', statement: /\breported_at = \$\d+/ },
  release: { pool: 'unwind loops', statement: /insert into unwind\.orders\b/ },
  intend: { pool: 'unwind loops', statement: /insert into unwind\.submissions\b/ },
  submit: { pool: 'unwind venue', statement: /insert into simulated_venue\.journal\b/ },
  acknowledge: { pool: 'unwind loops', statement: /venue_order_id = n\.venue_order_id/ },
  report: { pool: 'unwind venue', statement: /update simulated_venue\.reports\b/ },
  receive: { pool: 'unwind loops', statement: /insert into unwind\.venue_cursors\b/ },
  apply: { pool: 'unwind loops', statement: /delete from unwind\.venue_reports\b/ },
  advance: { pool: 'unwind loops', statement: /l\.advance_at <= .*\bfor update of l\b/s },
  publish: { pool: 'unwind loops', statement: /update unwind\.event_heads\b/ },
  seal: { pool: 'unwind loops', statement: /insert into unwind\.seals\b/ },
  claim: { pool: 'unwind loops', statement: /lease_epoch = d\.lease_epoch \+ 1/ },
  settle: { pool: 'unwind loops', statement: /update unwind\.deliveries\b.*\blast_attempt_at = /s },
  resolve: { pool: 'unwind loops', statement: /lease_epoch = s\.lease_epoch \+ 1/ },
} as const satisfies Readonly<Record<string, StepMark>>;

export type StepName = keyof typeof steps;

/**
 * Where in a step: its commit is asked for and has not reached the database; it has, and whether it
 * will be carried out is open; it is carried out, and the process does not know yet.
 */
export type Moment = 'before' | 'during' | 'after';

/** `post` is a delivery that the receiver has and has not answered. */
export type Point = `${StepName} ${Moment}` | 'post during';

/** What each point means, in the order of a liquidation's life. */
export const points = {
  'create before': 'a request to liquidate is about to be committed',
  'create during': 'a request to liquidate is being committed',
  'create after': 'a request to liquidate is committed and not answered',
  'cancel before': 'a cancellation is about to be committed',
  'cancel during': 'a cancellation is being committed',
  'cancel after': 'a cancellation is committed and not answered',
  'start before': 'accounts of a batch are about to be started',
  'start during': 'accounts of a batch are being started',
  'start after': 'accounts of a batch are started and nothing follows from it yet',
  'ask after': 'before the call: the keeper is about to be asked, or told what was sold',
  'grant before': 'after the call, before the commit of what the keeper grants',
  'grant during': 'what the keeper grants is being committed',
  'grant after': 'what the keeper grants is committed and nothing is released',
  'tell before': 'the keeper was told what was sold, and that is not committed',
  'tell after': 'that the keeper was told is committed',
  'release before': 'orders and holds are about to be committed',
  'release during': 'orders and holds are being committed',
  'release after': 'the point of no return is passed and nothing is sent',
  'intend before': 'the intent to send orders is about to be committed',
  'intend during': 'the intent to send orders is being committed',
  'intend after': 'before the call: the intent is committed and nothing is sent',
  'submit before': 'the venue has the orders and has not accepted them',
  'submit during': 'the venue is accepting the orders',
  'submit after': 'the venue has accepted the orders and its answer is lost',
  'acknowledge before': 'after the call, before the commit of what the venue answered',
  'acknowledge during': 'what the venue answered is being committed',
  'acknowledge after': 'what the venue answered is committed',
  'report before': 'the venue is about to number reports',
  'report after': 'the venue has numbered reports that nobody has read',
  'receive before': 'reports are read and not taken in',
  'receive during': 'reports are being taken in',
  'receive after': 'reports are taken in and not applied',
  'apply before': 'executions are about to be committed',
  'apply during': 'executions are being committed',
  'apply after': 'executions are committed and nothing follows from them yet',
  'advance before': 'the end of a liquidation is about to be committed',
  'advance after': 'the end of a liquidation is committed and not published',
  'publish before': 'events are about to get their place in the log',
  'publish during': 'events are getting their place in the log',
  'publish after': 'events have their place in the log and are not delivered',
  'seal before': 'what was committed is about to be sealed',
  'seal during': 'what was committed is being sealed',
  'seal after': 'what was committed is sealed',
  'claim after': 'before the call: a subscription is claimed and nothing is sent',
  'post during': 'the receiver has a delivery and has not answered',
  'settle before': 'after the call, before the commit: the receiver has answered',
  'settle during': 'how far a subscription has come is being committed',
  'settle after': 'how far a subscription has come is committed',
  'resolve after': 'another process has taken over what a killed one was sending',
} as const satisfies Readonly<Partial<Record<Point, string>>>;

export type NamedPoint = keyof typeof points;

export const namedPoints = Object.keys(points) as readonly NamedPoint[];

/** Steps that send their statement also when there is nothing to do: only rows tell. */
const polled: ReadonlySet<StepName> = new Set(['claim', 'resolve', 'report', 'advance', 'ask']);

/** The step that a statement on a pool belongs to. */
export function stepOf(pool: string, text: string): StepName | undefined {
  for (const [name, mark] of Object.entries(steps) as [StepName, StepMark][]) {
    if (mark.pool === pool && mark.statement.test(text)) return name;
  }
  return undefined;
}

/** Whether a statement of a step that changed or found so many rows had something to do. */
export function hasWorked(step: StepName, rows: number): boolean {
  return rows > 0 || !polled.has(step);
}

export function isPolled(step: StepName): boolean {
  return polled.has(step);
}
