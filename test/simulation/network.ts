// The way to the venue and to receivers: messages that come late, twice or never, and answers that
// get lost although the other side did what was asked.
import { Dispatcher } from 'undici';
import type { Venue } from '../../src/venue/venue.ts';
import type { Lot } from '../crash/random.ts';
import { fingerprint } from './history.ts';
import type { Troubles } from './plan.ts';
import { Actor, type Scheduler } from './scheduler.ts';

/** The venue did not answer, as far as the sender can tell. */
export class Silence extends Error {
  override readonly name = 'Silence';
  /** As undici calls a response that did not come in time. */
  readonly code = 'UND_ERR_HEADERS_TIMEOUT';
}

export interface Network {
  readonly scheduler: Scheduler;
  readonly lot: Lot;
  readonly troubles: Troubles;
  /** Client order ids that a process has sent in its sleep, after whatever it had looked at before. */
  readonly sentAsleep: Set<string>;
}

const usualWayMs = 20;
/** A message that is late is still within the venue's flight time. */
const longWayMs = 1_500;
/** Longer than any lease. */
const sleepMs = { min: 3_000, max: 20_000 };
const patienceMs = 3_000;

const venueActor = new Actor('venue');

/** The venue as one process sees it. */
export function venueOver(network: Network, process: Actor, venue: Venue): Venue {
  const call = <T>(label: string, handle: () => Promise<T>, onAsleep = () => {}) =>
    exchange(network, process, { label, handle, onAsleep });
  return {
    ...venue,
    submit: async (orders) => {
      const label = `venue.submit ${fingerprint(orders)}`;
      const onAsleep = () => {
        for (const { clientOrderId } of orders) network.sentAsleep.add(clientOrderId);
      };
      const outcomes = await call(label, () => venue.submit(orders), onAsleep);
      return outcomes.map((outcome) => {
        if (!network.troubles.happens('venue_silent')) return outcome;
        return { type: 'unknown', reason: 'this part of the answer was lost' };
      });
    },
    lookUp: (orders) => call(`venue.lookUp ${fingerprint(orders)}`, () => venue.lookUp(orders)),
    cancel: (orders) => call(`venue.cancel ${fingerprint(orders)}`, () => venue.cancel(orders)),
    reports: async (request) => {
      const found = await call(`venue.reports ${request.after}`, () => venue.reports(request));
      const isCut = network.troubles.happens('venue_slow');
      return isCut ? found.slice(0, network.lot.between(0, found.length)) : found;
    },
  };
}

interface Exchange<T> {
  readonly label: string;
  readonly handle: () => Promise<T>;
  /** Told that its sender falls asleep before it is sent. */
  readonly onAsleep: () => void;
}

/** One request and its answer. What has left arrives, even if its sender dies meanwhile. */
async function exchange<T>(
  network: Network,
  sender: Actor,
  { label, handle, onAsleep }: Exchange<T>,
): Promise<T> {
  const { scheduler, lot, troubles } = network;
  const way = () => lot.between(0, troubles.happens('venue_slow') ? longWayMs : usualWayMs);
  const sleep = () =>
    troubles.happens('sender_asleep') ? lot.between(sleepMs.min, sleepMs.max) : 0;
  await scheduler.turn(sender, `${label} is sent`);
  const asleepMs = sleep();
  if (asleepMs > 0) {
    onAsleep();
    await scheduler.turn(sender, `${label} after a sleep`, asleepMs);
  }
  const arrivals = troubles.happens('venue_silent') ? lot.between(0, 2) : 1;
  const answers = Array.from({ length: arrivals }, async (_, i) => {
    await scheduler.turn(venueActor, `${label} arrives ${sender.name} ${i}`, way());
    return handle().catch(silenced);
  });
  for (const answer of answers) answer.catch(() => {});
  const isLost = arrivals !== 1 && lot.next() < 0.5;
  const [answer] = answers;
  if (answer === undefined || isLost) {
    await scheduler.turn(sender, `${label} is given up`, patienceMs);
    throw new Silence('the venue did not answer');
  }
  const result = await answer;
  await scheduler.turn(sender, `${label} is answered`, way() + sleep());
  return result;
}

/** A venue that was taken away is one that does not answer; anything else is a defect. */
function silenced(error: unknown): never {
  const isAway = error instanceof Error && error.message.includes('does not answer');
  throw isAway ? new Silence(error.message) : error;
}

/** A request to a receiver. */
export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a receiver does with a request. */
export type ReceiverAnswer = {
  /** How long it takes for that. */
  readonly afterMs?: number;
  /** Called when a process that lives has heard the answer. */
  readonly onTold?: () => void;
} & (
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      /** The connection ends in the middle of the answer's body. */
      readonly isBrokenOff?: boolean;
    }
  /** The connection ends, or never was, with this code of undici or Node. */
  | { readonly breaks: string }
);

/** Takes a request at the receiver. */
export type Receive = (post: Post) => Promise<ReceiverAnswer>;

class Broken extends Error {
  override readonly name = 'Broken';
  readonly code: string;

  constructor(code: string) {
    super(`the connection ended: ${code}`);
    this.code = code;
  }
}

/** The way out of one process to receivers of webhooks. */
export class WayOut extends Dispatcher {
  readonly #network: Network;
  readonly #process: Actor;
  readonly #receive: Receive;

  constructor(network: Network, process: Actor, receive: Receive) {
    super();
    this.#network = network;
    this.#process = process;
    this.#receive = receive;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const controller = {
      aborted: false,
      paused: false,
      reason: null as Error | null,
      rawHeaders: [],
      rawTrailers: [],
      pause: () => {},
      resume: () => {},
      abort: (reason: Error) => {
        if (controller.aborted) return;
        controller.aborted = true;
        handler.onResponseError?.(controller, reason);
      },
    };
    handler.onRequestStart?.(controller, {});
    const post = {
      url: new URL(options.path, String(options.origin)),
      headers: options.headers as Record<string, string>,
      body: options.body as Buffer,
    };
    void this.#exchange(post).then(
      (answer) => {
        if (controller.aborted) return;
        if ('breaks' in answer) {
          controller.abort(new Broken(answer.breaks));
          return;
        }
        answer.onTold?.();
        handler.onResponseStart?.(controller, answer.status, { ...answer.headers }, '');
        if (answer.body) handler.onResponseData?.(controller, Buffer.from(answer.body));
        if (answer.isBrokenOff) controller.abort(new Broken('UND_ERR_SOCKET'));
        else handler.onResponseEnd?.(controller, {});
      },
      (error: Error) => controller.abort(error),
    );
    return true;
  }

  async #exchange(post: Post): Promise<ReceiverAnswer> {
    const { scheduler, lot, troubles } = this.#network;
    const label = `post ${post.url} ${fingerprint(post.body.toString())}`;
    await scheduler.turn(this.#process, `${label} is sent`);
    if (troubles.happens('sender_asleep')) {
      const asleepMs = lot.between(sleepMs.min, sleepMs.max);
      await scheduler.turn(this.#process, `${label} after a sleep`, asleepMs);
    }
    const receiver = new Actor(post.url.host);
    const arrives = () => {
      const call = {
        label: `${label} arrives ${this.#process.name}`,
        delayMs: lot.between(0, usualWayMs),
      };
      return scheduler.perform(receiver, call, () => this.#receive(post));
    };
    if (troubles.happens('receiver_silent')) {
      // In half of the cases it came, and only the answer was lost. What the receiver finds wrong is on record there.
      if (lot.next() < 0.5) arrives().catch(() => {});
      await scheduler.turn(this.#process, `${label} is given up`, patienceMs);
      throw new Silence('the receiver did not answer');
    }
    const answer = await arrives();
    const { afterMs = 0 } = answer;
    const way = lot.between(0, usualWayMs) + afterMs;
    await scheduler.turn(this.#process, `${label} is answered`, way);
    return answer;
  }
}
