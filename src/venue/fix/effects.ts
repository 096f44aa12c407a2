// What a session asks of its connection, and the session messages it sends. Source: FIX 4.4 volume 2,
// the messages 0 to 5 and j.

import { type Field, type FixMessage, fieldOf } from './codec.ts';
import { type Fault, numberIn } from './header.ts';

/** What the connection has to do, in this order. */
export type Effect =
  /** Give it the next number, commit it, write it. `fields` begin with 35. */
  | { readonly type: 'send'; readonly fields: readonly Field[] }
  /** Commit that everything below `next` is received, together with what the message means. */
  | {
      readonly type: 'receive';
      readonly message: FixMessage;
      readonly next: number;
      readonly fault: Fault | undefined;
    }
  /** Write again what was sent under these numbers; `to` undefined: up to the last one. */
  | { readonly type: 'resend'; readonly from: number; readonly to: number | undefined }
  /** Both sides are level: orders may be sent. */
  | { readonly type: 'ready' }
  | { readonly type: 'note'; readonly text: string }
  /** Close the socket. After a failure nothing reconnects before a person has looked. */
  | { readonly type: 'end'; readonly reason: string; readonly isFailure: boolean };

export function receipt(message: FixMessage, next: number, fault?: Fault): Effect {
  return { type: 'receive', message, next, fault };
}

export function textIn(message: FixMessage): string {
  return fieldOf(message, 58) ?? 'no reason given';
}

export function testRequest(id: string): Effect {
  const fields: readonly Field[] = [
    [35, '1'],
    [112, id],
  ];
  return { type: 'send', fields };
}

/** Everything from a number on. */
export function resendRequest(from: number): Effect {
  const fields: readonly Field[] = [
    [35, '2'],
    [7, String(from)],
    [16, '0'],
  ];
  return { type: 'send', fields };
}

export function logout(text: string): Effect {
  const fields: readonly Field[] = [
    [35, '5'],
    [58, text],
  ];
  return { type: 'send', fields };
}

export function heartbeat(testRequestId: string | undefined): Effect {
  const answer = testRequestId === undefined ? [] : [[112, testRequestId] as const];
  return { type: 'send', fields: [[35, '0'], ...answer] };
}

export function resendFor(message: FixMessage): Effect {
  const from = numberIn(message, 7) ?? 1;
  const to = numberIn(message, 16) ?? 0;
  return { type: 'resend', from, to: to === 0 ? undefined : to };
}

/** A Reject, or the Business Message Reject of a type that is not supported. */
export function reject(message: FixMessage, fault: Fault): Effect {
  if (fault.isUnsupported) return unsupported(message);
  const fields: Field[] = [
    [35, '3'],
    [45, fieldOf(message, 34) ?? '0'],
  ];
  if (fault.tag !== undefined) fields.push([371, String(fault.tag)]);
  fields.push([372, message.type], [373, String(fault.reason)]);
  if (fault.text !== undefined) fields.push([58, fault.text]);
  return { type: 'send', fields };
}

function unsupported(message: FixMessage): Effect {
  const fields: readonly Field[] = [
    [35, 'j'],
    [45, fieldOf(message, 34) ?? '0'],
    [372, message.type],
    [380, '3'],
    [58, `Unsupported message type ${message.type}`],
  ];
  return { type: 'send', fields };
}
