// The processes of a crash run, with both roles mixed, each behind a relay of its own. It answers for
// a process that was ended on purpose being started again, and for one that ends by itself being
// noticed.
import assert from 'node:assert/strict';
import { newHolder, placeLength } from '../../src/work/holder.ts';
import { type LaunchedService, launchService, type Settings } from '../service/processes.ts';
import type { AfterTest } from '../support/database.ts';
import { freePort } from '../support/port.ts';
import type { Point } from './points.ts';
import { type Relay, startRelay } from './relay.ts';
import type { CrashServer } from './server.ts';
import { Trap } from './trap.ts';

/** Each role twice, so that either may lose one. */
const kinds = [
  { name: 'both', roles: 'api,worker' },
  { name: 'api', roles: 'api' },
  { name: 'worker', roles: 'worker' },
] as const;

/** Long against a step, short against a run; what a kill leaves is found by its lease alone. */
const settings = {
  UNWIND_RELEASE_DELAY_MS: '150',
  UNWIND_VENUE_DELAY_MS: '100',
  UNWIND_WEBHOOK_TIMEOUT_MS: '15000',
  UNWIND_LOG_LEVEL: 'info',
};

const wordsShownMax = 5;
const wordLengthMax = 400;

export interface Member {
  readonly name: (typeof kinds)[number]['name'];
  readonly roles: string;
  readonly port: number;
  readonly url: string;
  readonly isApi: boolean;
  readonly isWorker: boolean;
}

interface Place extends Member {
  readonly relay: Relay;
  service: LaunchedService | undefined;
}

export class Fleet {
  readonly trap = new Trap<Member>();
  readonly #t: AfterTest;
  readonly #home: string;
  #settings: Settings;
  readonly #server: CrashServer;
  readonly #places: Place[] = [];
  #staleWritesBefore = 0;

  constructor(t: AfterTest, of: { home: string; server: CrashServer; settings: Settings }) {
    const { home, server } = of;
    this.#settings = of.settings;
    this.#t = t;
    this.#home = home;
    this.#server = server;
  }

  /** Starts all processes at the same moment, with more settings. */
  async start(more: Settings): Promise<void> {
    this.#settings = { ...this.#settings, ...more };
    for (const kind of kinds) {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const isApi = kind.roles.includes('api');
      const member = { ...kind, port, url, isApi, isWorker: kind.roles.includes('worker') };
      const gate = (point: Point) => this.trap.pass(member, point);
      const relay = await startRelay(this.#t, this.#server.port, gate);
      this.#places.push({ ...member, relay, service: undefined });
    }
    await Promise.all(this.#places.map((place) => this.launch(place)));
  }

  get members(): readonly Member[] {
    return this.#places;
  }

  /** Those that answer requests, as far as this run knows. */
  get apis(): readonly Member[] {
    return this.#places.filter((place) => place.isApi);
  }

  /** Starts a process that was ended and waits until it listens. */
  async launch(member: Member): Promise<void> {
    const place = this.#placeOf(member);
    const { roles, port, relay } = place;
    this.#staleWritesBefore += staleWritesIn(place.service);
    place.service = launchService(this.#t, {
      home: this.#home,
      settings: {
        ...settings,
        ...this.#settings,
        PORT: String(port),
        DATABASE_URL: this.#server.url(undefined, relay.port),
      },
      args: ['--roles', roles],
    });
    await place.service.listening();
  }

  /** Kills a process, whatever it is doing. */
  async kill(member: Member): Promise<void> {
    const service = this.#serviceOf(member);
    service.kill('SIGKILL');
    const { signal } = await service.ended;
    assert.equal(signal, 'SIGKILL', `${member.name} ended before: ${service.stderr()}`);
  }

  sleep(member: Member): void {
    this.#serviceOf(member).kill('SIGSTOP');
  }

  wake(member: Member): void {
    this.#serviceOf(member).kill('SIGCONT');
  }

  /** Ends a process as an operator does. @returns its exit code. */
  async stop(member: Member): Promise<number | null> {
    const service = this.#serviceOf(member);
    service.kill('SIGTERM');
    return (await service.ended).code;
  }

  running(): readonly string[] {
    return this.#places.flatMap(({ name, service }) => (service?.isRunning() ? [name] : []));
  }

  /** What each process has logged last that is more than news. */
  lastWords(): readonly string[] {
    return this.#places.flatMap(({ name, service }) => {
      const lines = service?.stderr().split('\n') ?? [];
      const told = lines.filter((line) => /"level":[4-6]0/.test(line)).slice(-wordsShownMax);
      return told.map((line) => `${name}: ${line.slice(0, wordLengthMax)}`);
    });
  }

  /** Names of processes that have ended, though nobody ended them. */
  ended(): readonly string[] {
    return this.#places.flatMap(({ name, service }) => {
      return service === undefined || service.isRunning() ? [] : [name];
    });
  }

  /** The member that holds a lease; undefined where it is none of them. */
  holderOf(lease: string | null): Member | undefined {
    const place = lease?.slice(0, placeLength);
    return this.#places.find(({ port }) => {
      return newHolder({ host: '127.0.0.1', port }).slice(0, placeLength) === place;
    });
  }

  /** How often processes were told that what they came to write was not theirs any more. */
  staleWrites(): number {
    const now = this.#places.map(({ service }) => staleWritesIn(service));
    return now.reduce((sum, count) => sum + count, this.#staleWritesBefore);
  }

  #serviceOf(member: Member): LaunchedService {
    const { service } = this.#placeOf(member);
    assert.ok(service !== undefined, `${member.name} was started`);
    return service;
  }

  #placeOf(member: Member): Place {
    const place = this.#places.find(({ name }) => name === member.name);
    assert.ok(place !== undefined);
    return place;
  }
}

function staleWritesIn(service: LaunchedService | undefined): number {
  return service?.stderr().match(/"isOurs":false/g)?.length ?? 0;
}
