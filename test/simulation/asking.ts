// How clients of a simulated run ask: of one process after the other, until there is an answer.
import { later } from '../../src/clock.ts';
import { isConnectionError } from '../../src/db/errors.ts';
import type { Call } from '../../src/http/pipeline.ts';
import type { TenantId } from '../../src/ids.ts';
import { Refusal } from '../../src/refusal.ts';
import type { Act } from '../../src/trail/act.ts';
import type { Lot } from '../crash/random.ts';
import type { SimulatedProcess, Surroundings } from './process.ts';
import type { Actor } from './scheduler.ts';

export interface Service extends Surroundings {
  /** Some process that lives; undefined when none does. */
  readonly someProcess: () => SimulatedProcess | undefined;
}

const pauseMs = 100;
/** Whoever is not answered after so many tries has found a defect. */
export const triesMax = 2_000;

export interface Asked {
  readonly tenantId: TenantId;
  readonly params?: Readonly<Record<string, string>>;
  readonly rawBody?: Buffer;
  readonly idempotencyKey?: string;
  readonly requestHash?: Buffer;
  /** Of a person's act, as the trail names it. */
  readonly operation?: string;
}

/** A request as a handler gets it once it was authenticated: each signed anew. */
export function callOf({ network }: Surroundings, asked: Asked): Call {
  const { tenantId, params = {}, rawBody = Buffer.alloc(0) } = asked;
  const { idempotencyKey = '', requestHash = Buffer.alloc(0), operation } = asked;
  const basesSha256 = [bytesOf(network.lot, 32)];
  const expiresAt = later(network.scheduler.clock.now(), signatureMs);
  return {
    caller: {
      tenantId,
      scopes: [],
      contract: '2023' as const,
      signature: { basesSha256, expiresAt },
      act: operation === undefined ? undefined : actOf(network, operation, requestHash),
    },
    params,
    path: '',
    search: '',
    contentType: 'application/json',
    lastEventId: undefined,
    holds: async () => true,
    rawBody,
    idempotencyKey,
    requestHash,
    isHead: false,
    isAwaited: () => true,
  };
}

function actOf({ scheduler }: Surroundings['network'], operation: string, sha256: Buffer): Act {
  const who = { kind: 'client', name: 'a key', role: undefined, origin: '127.0.0.1' } as const;
  const what = { operation, target: '/', reason: undefined, detail: undefined };
  return { ...who, ...what, at: scheduler.clock.now(), requestSha256: sha256 };
}

/** Short, so that something expires while a run goes on. */
const signatureMs = 10_000;

export function bytesOf(lot: Lot, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => lot.between(0, 255)));
}

/** Tries at one process after the other until there is an answer; a refusal for good is one. */
export async function untilAnswered<T>(
  service: Service,
  { actor, name }: { actor: Actor; name: string },
  ask: (process: SimulatedProcess) => Promise<T>,
): Promise<T | Refusal> {
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const label = `${name} asks`;
    await service.network.scheduler.turn(actor, label, tries === 1 ? 0 : pauseMs);
    const answer = await askOnce(service, { actor, name }, ask);
    if (answer !== undefined) return answer;
  }
  throw new Error(`${actor.name} ${name} was not answered in ${triesMax} tries`);
}

/** Asks some process. @returns undefined where nobody answered. */
export async function askOnce<T>(
  service: Service,
  { actor, name }: { actor: Actor; name: string },
  ask: (process: SimulatedProcess) => Promise<T>,
): Promise<T | Refusal | undefined> {
  const process = service.someProcess();
  if (process === undefined) return undefined;
  try {
    return await process.serve(() => ask(process));
  } catch (error) {
    if (error instanceof Refusal && !isPassing(error)) return error;
    if (!(error instanceof Refusal) && process.actor.isAlive) service.onError(error);
    const what = isConnectionError(error) ? 'connection' : String(error).slice(0, 60);
    service.history.note(`${actor.name} ${name} at ${process.actor.name}: ${what}`);
    return undefined;
  }
}

/** Whether a refusal only asks to try again. */
function isPassing({ code, message }: Refusal): boolean {
  if (code === 'service_unavailable') return true;
  const isBusy = /try again|still running\.$/.test(message) && !message.startsWith('Liquidation ');
  return isBusy && code === 'conflict';
}
