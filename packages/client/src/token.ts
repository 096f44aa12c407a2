// The access token of a client: asked for once however many callers wait, and renewed in good time
// without anybody waiting. How a token is asked for is the caller's.

import type { Token } from './contract.ts';

/** A token and its times on the clock of this machine, in Unix ms. */
export interface HeldToken {
  readonly text: string;
  readonly scopes: readonly string[];
  /** How many tokens the keeper had asked for when it asked for this one. */
  readonly number: number;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

/** A token is renewed so long before it ends, or a tenth of its life if that is shorter, in ms. */
const renewBeforeMsMax = 60_000;

/** Keeps one token; safe to share between any number of calls. */
export class TokenKeeper {
  readonly #ask: () => Promise<Token>;
  readonly #now: () => Date;
  #asked = 0;
  #held: HeldToken | undefined;
  #renewal: Promise<HeldToken> | undefined;

  constructor(ask: () => Promise<Token>, now: () => Date) {
    this.#ask = ask;
    this.#now = now;
  }

  /**
   * A token that is valid by the clock of this machine. @throws what asking for one throws, to all
   * that wait for it.
   */
  async valid(): Promise<HeldToken> {
    const now = this.#now().getTime();
    const held = this.#held;
    if (held === undefined || now >= held.expiresAtMs) return this.#renew();
    // A caller that asks now still has time; should it fail, the next one asks again.
    if (now >= held.renewAtMs) this.#renew().catch(() => {});
    return held;
  }

  /** How many tokens were asked for so far. */
  get asked(): number {
    return this.#asked;
  }

  /** The service does not take this token: the next caller gets another one. */
  drop(token: HeldToken): void {
    if (this.#held === token) this.#held = undefined;
  }

  #renew(): Promise<HeldToken> {
    this.#renewal ??= this.#askForOne().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #askForOne(): Promise<HeldToken> {
    // Its life begins somewhere between request and answer: counted from the request, it never
    // seems longer than it is.
    const askedAtMs = this.#now().getTime();
    this.#asked += 1;
    const number = this.#asked;
    const { access_token: text, expires_in: lifeS, scope } = await this.#ask();
    const expiresAtMs = askedAtMs + lifeS * 1_000;
    const renewAtMs = expiresAtMs - Math.min(renewBeforeMsMax, lifeS * 100);
    this.#held = { text, scopes: scope.split(' '), number, renewAtMs, expiresAtMs };
    return this.#held;
  }
}
