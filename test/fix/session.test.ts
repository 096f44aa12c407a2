// The session test cases of the FIX Trading Community, by their numbers (1B is the initiator's logon),
// and what Unwind wants beyond them. The venue's side is written out by hand; no socket, no clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Field, FixMessage } from '../../src/venue/fix/codec.ts';
import type { Effect } from '../../src/venue/fix/effects.ts';
import { timestampOf } from '../../src/venue/fix/header.ts';
import { FixSession, type SessionSettings } from '../../src/venue/fix/session.ts';

const startedAt = new Date('2026-01-05T10:00:00.000Z');

const settings: SessionSettings = {
  beginString: 'FIX.4.4',
  senderCompId: 'UNWIND',
  targetCompId: 'VENUE',
  heartbeatS: 30,
  applicationVersion: undefined,
  logonFields: [[553, 'user']],
  sendingTimeToleranceMs: 120_000,
  check: ({ type }) => {
    if (type === '8') return undefined;
    return type.length > 2 ? { reason: 11, tag: 35 } : { reason: 3, isUnsupported: true };
  },
};

interface Sent {
  readonly number: number;
  readonly type: string;
  /** Header fields over the usual ones; an empty value leaves one out. */
  readonly header?: readonly Field[];
  readonly body?: readonly Field[];
  readonly at?: Date;
}

/** One connection, with the venue's hand on it. */
class Wire {
  readonly session: FixSession;
  now = startedAt;

  constructor(next = 1) {
    this.session = new FixSession(settings, next);
  }

  message({ number, type, header = [], body = [], at = this.now }: Sent): FixMessage {
    const usual = new Map<number, string>([
      [35, type],
      [49, 'VENUE'],
      [56, 'UNWIND'],
      [34, String(number)],
      [52, timestampOf(at)],
      ...header,
    ]);
    const fields: Field[] = [...usual, ...body].filter(([, value]) => value !== '');
    return { type, fields };
  }

  receive(sent: Sent): readonly Effect[] {
    const message = this.message(sent);
    return this.session.receive({ kind: 'message', message, bytes: 100 }, this.now);
  }

  wait(seconds: number): readonly Effect[] {
    this.now = new Date(this.now.getTime() + seconds * 1_000);
    return this.session.tick(this.now);
  }

  /** Logged on, level, ready; the next number of the venue is returned. */
  logOn(next: number): number {
    this.session.open(this.now, false);
    const effects = this.receive({ number: next, type: 'A', body: logonBody });
    this.session.sent(this.now);
    this.receive({ number: next + 1, type: '0', body: [[112, sentField(effects, '1', 112)]] });
    assert.ok(this.session.isReady);
    return next + 2;
  }
}

const logonBody: readonly Field[] = [
  [98, '0'],
  [108, '30'],
];
const repeated = (at: Date): readonly Field[] => [
  [43, 'Y'],
  [122, timestampOf(at)],
];

function ready(next = 1): { wire: Wire; next: number } {
  const wire = new Wire(next);
  return { wire, next: wire.logOn(next) };
}

/** What is to be sent, as `type tag=value …` of the tags that matter. */
function sends(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => {
    if (effect.type !== 'send') return [];
    const [first, ...rest] = effect.fields;
    const shown = rest.filter(([tag]) => tag !== 58).map(([tag, value]) => `${tag}=${value}`);
    return [[first?.[1], ...shown].join(' ')];
  });
}

function sentField(effects: readonly Effect[], type: string, tag: number): string {
  for (const effect of effects) {
    if (effect.type !== 'send' || effect.fields[0]?.[1] !== type) continue;
    return effect.fields.find(([one]) => one === tag)?.[1] ?? '';
  }
  return '';
}

function nextIn(effects: readonly Effect[]): number | undefined {
  return effects.findLast((effect) => effect.type === 'receive')?.next;
}

function typesReceived(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => (effect.type === 'receive' ? effect.message.type : []));
}

function end(effects: readonly Effect[]) {
  return effects.find((effect) => effect.type === 'end');
}

function assertFailure(effects: readonly Effect[], reason: RegExp): void {
  const found = end(effects);
  assert.ok(found?.isFailure, JSON.stringify(effects));
  assert.match(found.reason, reason);
}

test('1B.a, b: a valid Logon is answered by a TestRequest, and the answer to that makes it ready', () => {
  const wire = new Wire();
  const opened = wire.session.open(wire.now, false);
  assert.deepEqual(sends(opened), ['A 98=0 108=30 553=user']);
  const effects = wire.receive({ number: 1, type: 'A', body: logonBody });
  assert.equal(nextIn(effects), 2);
  const id = sentField(effects, '1', 112);
  assert.notEqual(id, '');
  assert.ok(!wire.session.isReady);
  const level = wire.receive({ number: 2, type: '0', body: [[112, id]] });
  assert.deepEqual(level.at(-1), { type: 'ready' });
});

test('a Heartbeat that does not answer the TestRequest makes nothing ready', () => {
  const wire = new Wire();
  wire.session.open(wire.now, false);
  wire.receive({ number: 1, type: 'A', body: logonBody });
  wire.receive({ number: 2, type: '0', body: [[112, 'another']] });
  wire.receive({ number: 3, type: '0' });
  assert.ok(!wire.session.isReady);
});

const refusedLogons: readonly { of: string; body: readonly Field[]; reason: RegExp }[] = [
  { of: 'another heartbeat', body: [[98, '0'], [108, '60']], reason: /HeartBtInt \(108\) is 60/ }, // biome-ignore format: one line each
  { of: 'no heartbeat', body: [[98, '0']], reason: /108\) is missing/ },
  { of: 'encryption', body: [[98, '1'], [108, '30']], reason: /EncryptMethod/ }, // biome-ignore format: one line each
  { of: 'a reset nobody asked for', body: [...logonBody, [141, 'Y']], reason: /reset its numbers/ },
];
for (const { of, body, reason } of refusedLogons) {
  test(`1B.c: a Logon with ${of} is answered by a Logout and stops the session`, () => {
    const wire = new Wire(34);
    wire.session.open(wire.now, false);
    const effects = wire.receive({ number: 34, type: 'A', body });
    assert.deepEqual(sends(effects), ['5']);
    assertFailure(effects, reason);
  });
}

test('1B.c: a Logout instead of the Logon stops the session with what the venue says', () => {
  const wire = new Wire();
  wire.session.open(wire.now, false);
  const effects = wire.receive({
    number: 1,
    type: '5',
    body: [[58, 'MsgSeqNum too low, expecting 303 but received 1']],
  });
  assert.deepEqual(sends(effects), []);
  assertFailure(effects, /refused the Logon: MsgSeqNum too low, expecting 303/);
});

test('1B.d: any other first message ends the connection', () => {
  const wire = new Wire();
  wire.session.open(wire.now, false);
  assert.equal(end(wire.receive({ number: 1, type: '0' }))?.isFailure, false);
});

test('1B: a venue that never answers the Logon is left', () => {
  const wire = new Wire();
  wire.session.open(wire.now, false);
  assert.deepEqual(wire.wait(9), []);
  assert.match(end(wire.wait(1))?.reason ?? '', /did not answer the Logon/);
});

test('1B: the Logon of a new trading day resets both sides', () => {
  const wire = new Wire();
  const opened = wire.session.open(wire.now, true);
  assert.deepEqual(sends(opened), ['A 98=0 108=30 141=Y 553=user']);
  const effects = wire.receive({ number: 1, type: 'A', body: [...logonBody, [141, 'Y']] });
  assert.equal(nextIn(effects), 2);
});

test('2.a: a number as expected counts', () => {
  const { wire, next } = ready();
  assert.equal(nextIn(wire.receive({ number: next, type: '8' })), next + 1);
});

test('2.b: a higher number is kept, and what lies between is asked for once', () => {
  const { wire, next } = ready();
  const first = wire.receive({ number: next + 3, type: '8' });
  assert.deepEqual(sends(first), [`2 7=${next} 16=0`]);
  assert.equal(nextIn(first), undefined);
  assert.deepEqual(wire.receive({ number: next + 4, type: '8' }), []);
  for (const number of [next, next + 1]) {
    wire.receive({ number, type: '8', header: repeated(startedAt) });
  }
  const closing = wire.receive({ number: next + 2, type: '8', header: repeated(startedAt) });
  assert.deepEqual(typesReceived(closing), ['8', '8', '8']);
  assert.equal(nextIn(closing), next + 5);
});

test('2.b: the Logon may carry a higher number: nothing is ready before the gap is closed', () => {
  const wire = new Wire(5);
  wire.session.open(wire.now, false);
  const effects = wire.receive({ number: 9, type: 'A', body: logonBody });
  assert.deepEqual(
    sends(effects).map((one) => one.slice(0, 10)),
    ['2 7=5 16=0', `1 112=${startedAt.getTime()}`.slice(0, 10)],
  );
  const test = wire.receive({
    number: 10,
    type: '0',
    body: [[112, sentField(effects, '1', 112)]],
  });
  assert.deepEqual(test, []);
  for (const number of [5, 6, 7]) {
    wire.receive({ number, type: '8', header: repeated(startedAt) });
    assert.ok(!wire.session.isReady);
  }
  const fill: readonly Field[] = [[43, 'Y'], [122, timestampOf(startedAt)]]; // biome-ignore format: one line
  const last = wire.receive({ number: 8, type: '4', header: fill, body: [[123, 'Y'], [36, '10']] }); // biome-ignore format: one line
  assert.equal(nextIn(last), 11);
  assert.ok(wire.session.isReady);
});

test('2.b: a gap that is not closed is asked for again, and after five times the connection ends', () => {
  const { wire, next } = ready();
  wire.receive({ number: next + 2, type: '8' });
  for (let tries = 2; tries <= 5; tries += 1) {
    assert.deepEqual(sends(wire.wait(10)), [`2 7=${next} 16=0`]);
  }
  assert.match(end(wire.wait(10))?.reason ?? '', /does not close a gap/);
});

test('2.b: a further hole behind a closed gap is asked for', () => {
  const { wire, next } = ready();
  wire.receive({ number: next + 1, type: '8' });
  wire.receive({ number: next + 5, type: '8' });
  const closing = wire.receive({ number: next, type: '8', header: repeated(startedAt) });
  assert.deepEqual(sends(closing), [`2 7=${next + 2} 16=0`]);
});

test('2.c: a lower number without PossDupFlag ends the session for a person', () => {
  const { wire } = ready(30);
  const effects = wire.receive({ number: 7, type: '8' });
  assert.deepEqual(sends(effects), ['5']);
  assertFailure(effects, /MsgSeqNum too low, expecting 32 but received 7/);
});

test('2.c: so does the Logon of a venue that lost its numbers', () => {
  const wire = new Wire(34);
  wire.session.open(wire.now, false);
  const effects = wire.receive({ number: 1, type: 'A', body: logonBody });
  assertFailure(effects, /MsgSeqNum too low, expecting 34 but received 1/);
});

test('2.d, 3.b, 3.c: garbled bytes are ignored, and no number is counted', () => {
  const { wire, next } = ready();
  const garbled = { kind: 'garbled', reason: 'CheckSum', bytes: 80 } as const;
  assert.deepEqual(
    wire.session.receive(garbled, wire.now).map((effect) => effect.type),
    ['note'],
  );
  assert.equal(nextIn(wire.receive({ number: next, type: '8' })), next + 1);
});

test('2.e: a repeat of what was received is ignored', () => {
  const { wire, next } = ready();
  assert.deepEqual(wire.receive({ number: 1, type: '8', header: repeated(startedAt) }), []);
  assert.equal(nextIn(wire.receive({ number: next, type: '8' })), next + 1);
});

test('2.f: a repeat that was first sent after it was sent is rejected, and counts', () => {
  const { wire, next } = ready();
  const after = new Date(startedAt.getTime() + 60_000);
  const effects = wire.receive({ number: next, type: '8', header: repeated(after) });
  assert.deepEqual(sends(effects), [`3 45=${next} 371=122 372=8 373=10`]);
  assert.equal(nextIn(effects), next + 1);
});

test('2.g: a repeat without OrigSendingTime is rejected, and counts', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next, type: '8', header: [[43, 'Y']] });
  assert.deepEqual(sends(effects), [`3 45=${next} 371=122 372=8 373=1`]);
  assert.equal(nextIn(effects), next + 1);
});

test('2.i: another BeginString is answered by a Logout, and stops the session', () => {
  const { wire } = ready();
  const garbled = { kind: 'garbled', reason: 'version', bytes: 80, version: 'FIX.4.2' } as const;
  const effects = wire.session.receive(garbled, wire.now);
  assert.deepEqual(sends(effects), ['5']);
  assertFailure(effects, /Incorrect BeginString: FIX\.4\.2/);
});

for (const [tag, whose] of [
  [49, 'sender'],
  [56, 'target'],
] as const) {
  // biome-ignore format: one line
  test(`2.k: another CompID of the ${whose} is rejected, counts, and stops the session`, () => {
    const { wire, next } = ready();
    const effects = wire.receive({ number: next, type: '8', header: [[tag, 'OTHER']] });
    assert.deepEqual(sends(effects), [`3 45=${next} 371=${tag} 372=8 373=9`, '5']);
    assert.equal(nextIn(effects), next + 1);
    assertFailure(effects, /CompID problem: field \d\d is OTHER/);
  });
}

test('2.n: SendingTime may be two minutes away', () => {
  const { wire, next } = ready();
  const at = new Date(startedAt.getTime() - 120_000);
  assert.deepEqual(sends(wire.receive({ number: next, type: '8', at })), []);
});

test('2.o: SendingTime further away is rejected and stops the session', () => {
  const { wire, next } = ready();
  const at = new Date(startedAt.getTime() + 121_000);
  const effects = wire.receive({ number: next, type: '8', at });
  assert.deepEqual(sends(effects), [`3 45=${next} 371=52 372=8 373=10`, '5']);
  assertFailure(effects, /SendingTime accuracy problem/);
});

test('2.q: a type that does not exist is rejected', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next, type: 'ZZZ' });
  assert.deepEqual(sends(effects), [`3 45=${next} 371=35 372=ZZZ 373=11`]);
  assert.equal(nextIn(effects), next + 1);
});

test('2.r: a type that is not supported is answered by a Business Message Reject', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next, type: 'B' });
  assert.deepEqual(sends(effects), [`j 45=${next} 372=B 380=3`]);
  assert.equal(nextIn(effects), next + 1);
});

test('2: a message without MsgSeqNum ends the session for a person', () => {
  const { wire, next } = ready();
  assertFailure(wire.receive({ number: next, type: '8', header: [[34, '']] }), /34\) is missing/);
});

test('14.b: a required header field that is missing or has no form is rejected, and counts', () => {
  const forms: readonly (readonly [string, number])[] = [['', 1], ['20260105', 6], ['20261305-10:00:00', 6], ['20260230-10:00:00', 6]]; // biome-ignore format: one line
  for (const [value, reason] of forms) {
    const { wire, next } = ready();
    const effects = wire.receive({ number: next, type: '8', header: [[52, value]] });
    assert.deepEqual(sends(effects), [`3 45=${next} 371=52 372=8 373=${reason}`]);
    assert.equal(nextIn(effects), next + 1);
  }
});

test('4.a: a Heartbeat is sent after an interval in which nothing was sent', () => {
  const { wire, next } = ready();
  wire.receive({ number: next, type: '0' });
  assert.deepEqual(sends(wire.wait(29)), []);
  assert.deepEqual(sends(wire.wait(1)), ['0']);
  wire.session.sent(wire.now);
  assert.deepEqual(sends(wire.wait(1)), []);
});

test('4.b: a TestRequest is answered by a Heartbeat with its id', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next, type: '1', body: [[112, 'are you there']] });
  assert.deepEqual(sends(effects), ['0 112=are you there']);
});

test('5: a Heartbeat is nothing but a number', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next, type: '0' });
  assert.deepEqual(sends(effects), []);
  assert.equal(nextIn(effects), next + 1);
});

test('6: a silent venue is asked by a TestRequest, and left if it stays silent', () => {
  const { wire } = ready();
  wire.wait(30);
  assert.match(sends(wire.wait(6)).join(), /^1 112=/);
  assert.equal(end(wire.wait(30)), undefined);
  assert.match(end(wire.wait(6))?.reason ?? '', /silent/);
});

test('6: an execution between the TestRequest and its answer counts, and the session stays up', () => {
  const { wire, next } = ready();
  wire.wait(30);
  const id = sentField(wire.wait(6), '1', 112);
  assert.equal(nextIn(wire.receive({ number: next, type: '8' })), next + 1);
  wire.receive({ number: next + 1, type: '0', body: [[112, id]] });
  assert.equal(end(wire.wait(30)), undefined);
});

test('7: a Reject counts and is handed on', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next, type: '3', body: [[45, '2']] });
  assert.deepEqual(typesReceived(effects), ['3']);
  assert.deepEqual(sends(effects), []);
});

test('8: a ResendRequest is answered up to the number it names, or up to the last one', () => {
  const { wire, next } = ready();
  const some = wire.receive({ number: next, type: '2', body: [[7, '3'], [16, '5']] }); // biome-ignore format: one line
  assert.deepEqual(some.at(-1), { type: 'resend', from: 3, to: 5 });
  const all = wire.receive({ number: next + 1, type: '2', body: [[7, '3'], [16, '0']] }); // biome-ignore format: one line
  assert.deepEqual(all.at(-1), { type: 'resend', from: 3, to: undefined });
});

const gapFill = (to: number): readonly Field[] => [[123, 'Y'], [36, String(to)]]; // biome-ignore format: one line

test('10.a: a gap fill behind a gap is kept until the gap is closed', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next + 1, type: '4', body: gapFill(next + 9) });
  assert.deepEqual(sends(effects), [`2 7=${next} 16=0`]);
  const closing = wire.receive({ number: next, type: '8', header: repeated(startedAt) });
  assert.equal(nextIn(closing), next + 9);
});

test('10.b: a gap fill moves the number on', () => {
  const { wire, next } = ready();
  assert.equal(
    nextIn(wire.receive({ number: next, type: '4', body: gapFill(next + 9) })),
    next + 9,
  );
});

test('10.c: a repeated gap fill below what is expected is ignored', () => {
  const { wire } = ready();
  const header = repeated(startedAt);
  assert.deepEqual(wire.receive({ number: 1, type: '4', header, body: gapFill(90) }), []);
});

test('10.d: a gap fill with too low a number stops the session', () => {
  const { wire } = ready();
  assertFailure(wire.receive({ number: 1, type: '4', body: gapFill(90) }), /too low/);
});

test('10.e: a gap fill that leads back is rejected', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next, type: '4', body: gapFill(next - 1) });
  assert.deepEqual(sends(effects), [`3 45=${next} 371=36 372=4 373=5`]);
  assert.equal(nextIn(effects), next + 1);
});

test('11.a: a reset to a higher number is taken, and stops the session: reports may be lost', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: 1, type: '4', body: [[36, String(next + 50)]] });
  assert.equal(nextIn(effects), next + 50);
  assertFailure(effects, /moved its numbers from 3 to 53/);
});

test('11.b: a reset to the number expected changes nothing', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: 1, type: '4', body: [[36, String(next)]] });
  assert.equal(nextIn(effects), next);
  assert.equal(end(effects), undefined);
});

test('11.c: a reset to a lower number is rejected, and no number counts', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: 9, type: '4', body: [[36, '1']] });
  assert.deepEqual(sends(effects), ['3 45=9 371=36 372=4 373=5']);
  assert.equal(nextIn(wire.receive({ number: next, type: '8' })), next + 1);
});

test('12: a Logout of ours waits for the answer, and still counts what comes before it', () => {
  const { wire, next } = ready();
  assert.deepEqual(sends(wire.session.logOut('done', wire.now)), ['5']);
  assert.equal(nextIn(wire.receive({ number: next, type: '8' })), next + 1);
  const effects = wire.receive({ number: next + 1, type: '5' });
  assert.equal(nextIn(effects), next + 2);
  assert.deepEqual(end(effects), { type: 'end', reason: 'logged out', isFailure: false });
});

test('12.b: a Logout that is not answered ends all the same', () => {
  const { wire } = ready();
  wire.session.logOut('done', wire.now);
  assert.equal(end(wire.wait(4)), undefined);
  assert.equal(end(wire.wait(1))?.isFailure, false);
});

test('13.b: a Logout of the venue is answered, and another connection may follow', () => {
  const { wire, next } = ready();
  const effects = wire.receive({ number: next, type: '5', body: [[58, 'end of day']] });
  assert.deepEqual(sends(effects), ['5']);
  assert.deepEqual(end(effects)?.isFailure, false);
});

test('13: a Logout over numbers stops the session', () => {
  const { wire, next } = ready();
  const body: readonly Field[] = [[58, 'MsgSeqNum too low']];
  assertFailure(wire.receive({ number: next, type: '5', body }), /too low/);
});

test('20: of two that miss each other’s past, the one that is asked answers first', () => {
  const { wire, next } = ready();
  const asked = wire.receive({ number: next + 2, type: '2', body: [[7, '3'], [16, '0']] }); // biome-ignore format: one line
  assert.deepEqual(asked[0], { type: 'resend', from: 3, to: undefined });
  assert.deepEqual(sends(asked), [`2 7=${next} 16=0`]);
  const closing = wire.receive({ number: next, type: '4', header: repeated(startedAt), body: gapFill(next + 2) }); // biome-ignore format: one line
  assert.equal(nextIn(closing), next + 3);
  assert.ok(closing.every((effect) => effect.type !== 'resend'));
});

test('a Logon in the middle that resets the numbers stops the session', () => {
  const { wire, next } = ready();
  const body: readonly Field[] = [...logonBody, [141, 'Y']];
  assertFailure(wire.receive({ number: next, type: 'A', body }), /reset its numbers/);
});

test('nothing is done after the end', () => {
  const { wire, next } = ready();
  wire.receive({ number: 1, type: '8' });
  assert.deepEqual(wire.receive({ number: next, type: '8' }), []);
  assert.deepEqual(wire.wait(100), []);
});
