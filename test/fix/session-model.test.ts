// The session against a venue that keeps the protocol and a network that keeps nothing: cuts, kills between
// commit and socket, gaps, reordered and repeated messages, low numbers, silence. What the venue has executed
// and what counts here are compared at the end. A seed is the same run every time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Field, type FixMessage, fieldOf } from '../../src/venue/fix/codec.ts';
import type { Effect } from '../../src/venue/fix/effects.ts';
import { timestampOf } from '../../src/venue/fix/header.ts';
import { FixSession, type SessionSettings } from '../../src/venue/fix/session.ts';
import { fc } from '../support/properties.ts';

const settings: SessionSettings = {
  beginString: 'FIX.4.4',
  senderCompId: 'UNWIND',
  targetCompId: 'VENUE',
  heartbeatS: 30,
  applicationVersion: undefined,
  logonFields: [],
  sendingTimeToleranceMs: 120_000,
  check: () => undefined,
};

/** What happens next; each is drawn by lot. */
const commands = [
  'execute',
  'deliver',
  'deliver all',
  'lose one',
  'turn around',
  'repeat one',
  'say a low number',
  'cut',
  'kill before the commit',
  'kill behind the commit',
  'wait',
] as const;
type Command = (typeof commands)[number];

interface Sent {
  readonly number: number;
  readonly type: string;
  readonly body: readonly Field[];
}

class World {
  now = new Date('2026-01-05T10:00:00.000Z');
  readonly trace: string[] = [];
  /** Of the venue: what it has sent, what it has executed, what it expects of us. */
  readonly sent: Sent[] = [];
  readonly executed: string[] = [];
  /** Committed here: the number expected, what has counted, and the number of our next message. */
  readonly stored = { nextIn: 1, counted: [] as string[], nextOut: 1 };
  failures = 0;
  #wire: FixMessage[] = [];
  #session: FixSession | undefined;
  #isKilled = false;
  #dies: 'before' | 'behind' | undefined;
  /** Numbers that may come again without PossDupFlag: only those stop the session for a person. */
  readonly #low = new Set<number>();

  connect(): void {
    if (this.#session !== undefined) return;
    this.#wire = [];
    this.#isKilled = false;
    this.#session = new FixSession(settings, this.stored.nextIn);
    this.#perform(this.#session.open(this.now, false));
  }

  get isLevel(): boolean {
    const isAllHere = this.stored.nextIn === this.sent.length + 1;
    return this.#session?.isReady === true && this.#wire.length === 0 && isAllHere;
  }

  do(command: Command): void {
    this.trace.push(`${command} ${this.stored.nextIn} ${this.sent.length} ${this.#wire.length}`);
    switch (command) {
      case 'execute': {
        const id = `E${this.executed.length + 1}`;
        this.executed.push(id);
        this.#say('8', [[17, id]]);
        break;
      }
      case 'deliver':
        this.#deliver();
        break;
      case 'deliver all':
        while (this.#wire.length > 0) this.#deliver();
        break;
      case 'lose one':
        this.#wire.shift();
        break;
      case 'turn around':
        this.#turnAround();
        break;
      case 'repeat one':
        this.#repeat(this.sent.at(-1));
        break;
      case 'say a low number':
        this.#sayLow();
        break;
      case 'cut':
        this.#end();
        break;
      case 'kill before the commit':
        this.#dies = 'before';
        break;
      case 'kill behind the commit':
        this.#dies = 'behind';
        break;
      case 'wait':
        this.now = new Date(this.now.getTime() + 11_000);
        if (this.#session !== undefined) this.#perform(this.#session.tick(this.now));
        break;
    }
  }

  #end(): void {
    this.#session = undefined;
    this.#wire = [];
  }

  #message({ number, type, body }: Sent, header: readonly Field[] = []): FixMessage {
    const fields: readonly Field[] = [
      [35, type],
      [49, 'VENUE'],
      [56, 'UNWIND'],
      [34, String(number)],
      [52, timestampOf(this.now)],
      ...header,
      ...body,
    ];
    return { type, fields };
  }

  #say(type: string, body: readonly Field[]): void {
    const sent = { number: this.sent.length + 1, type, body };
    this.sent.push(sent);
    if (this.#session !== undefined) this.#wire.push(this.#message(sent));
  }

  #repeat(sent: Sent | undefined): void {
    if (sent === undefined || this.#session === undefined) return;
    const again: readonly Field[] = [
      [43, 'Y'],
      [122, timestampOf(this.now)],
    ];
    if (sent.type === '8') this.#wire.push(this.#message(sent, again));
    else {
      const fill: readonly Field[] = [
        [123, 'Y'],
        [36, String(sent.number + 1)],
      ];
      this.#wire.push(this.#message({ ...sent, type: '4', body: fill }, again));
    }
  }

  /** The first message comes last: behind the resend that it makes necessary, it is one too low. */
  #turnAround(): void {
    const [first] = this.#wire.splice(0, 1);
    if (first === undefined) return;
    this.#low.add(Number(fieldOf(first, 34)));
    this.#wire.push(first);
  }

  #sayLow(): void {
    if (this.#session?.isReady !== true || this.stored.nextIn < 2) return;
    this.#low.add(1);
    this.#wire.unshift(this.#message({ number: 1, type: '0', body: [] }));
  }

  #deliver(): void {
    const message = this.#wire.shift();
    if (message === undefined || this.#session === undefined) return;
    this.#perform(this.#session.receive({ kind: 'message', message, bytes: 100 }, this.now));
  }

  /** As the connection does it: one after the other, nothing behind a death. */
  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (this.#isKilled || this.#session === undefined) return;
      if (effect.type === 'receive') this.#count(effect);
      else if (effect.type === 'send') this.#send(effect.fields);
      else if (effect.type === 'end') this.#finish(effect);
    }
  }

  #count({ message, next }: Extract<Effect, { type: 'receive' }>): void {
    if (this.#dies === 'before') {
      this.#die();
      return;
    }
    assert.ok(next > this.stored.nextIn, 'the number moves on');
    this.stored.nextIn = next;
    const id = fieldOf(message, 17);
    if (message.type === '8' && id !== undefined) this.stored.counted.push(id);
    if (this.#dies === 'behind') this.#die();
  }

  #send(fields: readonly Field[]): void {
    if (this.#dies === 'before') {
      this.#die();
      return;
    }
    this.stored.nextOut += 1;
    if (this.#dies === 'behind') {
      this.#die();
      return;
    }
    this.#session?.sent(this.now);
    this.#answer({ type: fields[0]?.[1] ?? '', fields });
  }

  #die(): void {
    this.#dies = undefined;
    this.#isKilled = true;
    this.#end();
  }

  #finish({ reason, isFailure }: Extract<Effect, { type: 'end' }>): void {
    if (isFailure) {
      const low = Number(/MsgSeqNum too low, .*received (\d+)/.exec(reason)?.[1]);
      assert.ok(this.#low.has(low), `a person has to look, and nobody lied: ${reason}`);
      this.failures += 1;
    }
    this.#end();
  }

  /** The venue keeps the protocol. */
  #answer(message: FixMessage): void {
    switch (message.type) {
      case 'A':
        this.#say('A', [
          [98, '0'],
          [108, '30'],
        ]);
        break;
      case '1':
        this.#say('0', [[112, fieldOf(message, 112) ?? '']]);
        break;
      case '2':
        for (const sent of this.sent.slice(Number(fieldOf(message, 7)) - 1)) this.#repeat(sent);
        break;
      case '5':
        this.#say('5', []);
        break;
    }
  }
}

/** Plays commands, then lets everything heal. @returns what was seen, step by step. */
function play(drawn: readonly Command[]): World {
  const world = new World();
  for (const command of drawn) {
    world.connect();
    world.do(command);
  }
  for (let round = 0; round < 200 && !world.isLevel; round += 1) {
    world.connect();
    world.do('deliver all');
    if (!world.isLevel) world.do('wait');
  }
  return world;
}

const runs = fc.array(fc.constantFrom(...commands), { minLength: 20, maxLength: 150 });

test('whatever happens to connections and processes, each execution counts once, in its order', () => {
  const seen = { executed: 0, failures: 0 };
  const check = (drawn: readonly Command[]) => {
    const world = play(drawn);
    assert.ok(world.isLevel, `stuck: ${world.trace.slice(-5).join('; ')}`);
    assert.deepEqual(world.stored.counted, world.executed);
    seen.executed += world.executed.length;
    seen.failures += world.failures;
  };
  fc.assert(fc.property(runs, check), { numRuns: 1_000 });
  assert.ok(seen.executed > 1_000 && seen.failures > 10, 'there was something to lose');
});

test('a seed is the same run, to the last step', () => {
  const traces = (seed: number) => {
    return fc.sample(runs, { seed, numRuns: 50 }).map((drawn) => play(drawn).trace);
  };
  assert.deepEqual(traces(7), traces(7));
  assert.notDeepEqual(traces(7), traces(8));
});
