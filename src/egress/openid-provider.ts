// The identity provider that people sign in at (OpenID Connect Core 1.0, authorization code with PKCE): where a
// browser is sent, and what its return proves. The checks of what the provider says are those of
// `openid-client`. The provider may be away at any time: it is asked at a sign-in, not before.

import type { Configuration, CustomFetch } from 'openid-client';
import { Agent, fetch as fetchOver } from 'undici';
import { type Stopwatch, systemStopwatch } from '../clock.ts';
import { openIdTimeoutMs } from '../limits.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';

export interface OpenIdProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** None: the service is a public client, and PKCE alone binds the code to it. */
  readonly clientSecret: string | undefined;
  /** Separated by spaces; `openid` is one of them. */
  readonly scopes: string;
  /** Where the provider sends people back to. */
  readonly redirectUri: string;
  readonly log: { info(fields: object, message: string): void };
  /** What ages the provider's metadata; default real time. */
  readonly stopwatch?: Stopwatch;
}

/** What stays in the browser while its person is at the provider; each is used once. */
export interface OpenIdAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Who has signed in, as the provider says. */
export interface OpenIdIdentity {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly idToken: string;
}

/** How long what the identity provider says of itself is kept, in ms: it may move an endpoint. */
const openIdMetadataMs = 3_600_000;
/** Bytes of one response of the identity provider: keys and claims are a few KiB. */
const openIdResponseBytesMax = 1_048_576;
/** People of a process for whom the identity provider is asked at once. */
const openIdAtOnceMax = 32;

type Library = typeof import('openid-client');
type Fetch = NonNullable<Parameters<typeof fetchOver>[1]>;

const operatorsPart = 'The operator finds the cause in the log of the service.';

export class OpenIdProvider {
  readonly #options: OpenIdProviderOptions;
  readonly #stopwatch: Stopwatch;
  readonly #agent = new Agent({
    connectTimeout: openIdTimeoutMs,
    headersTimeout: openIdTimeoutMs,
    bodyTimeout: openIdTimeoutMs,
    maxResponseSize: openIdResponseBytesMax,
    connections: openIdAtOnceMax,
  });
  #found: { readonly at: number; readonly configuration: Promise<Configuration> } | undefined;
  #underWay = 0;

  constructor(options: OpenIdProviderOptions) {
    this.#options = options;
    this.#stopwatch = options.stopwatch ?? systemStopwatch;
  }

  /**
   * Where to send a browser, and what it has to bring back.
   * @param asks whether the provider has to ask who it is, also of a person who is signed in there.
   * @throws Refusal
   */
  async begin(asks: boolean): Promise<{ readonly url: URL; readonly attempt: OpenIdAttempt }> {
    const library = await import('openid-client');
    const configuration = await this.#asking(() => this.#configuration(library));
    const attempt = {
      state: library.randomState(),
      nonce: library.randomNonce(),
      verifier: library.randomPKCECodeVerifier(),
    };
    const url = library.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#options.redirectUri,
      scope: this.#options.scopes,
      response_type: 'code',
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await library.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
      ...(asks ? { prompt: 'login' } : {}),
    });
    return { url, attempt };
  }

  /**
   * What the return of a browser proves. The code in it counts once: the provider refuses it afterwards.
   * @param search the query with which the browser came back.
   * @param lacks whether these claims do not say enough: then the provider is asked for more (userinfo).
   * @throws Refusal
   */
  async finish(
    search: string,
    attempt: OpenIdAttempt,
    lacks: (claims: OpenIdIdentity['claims']) => boolean,
  ): Promise<OpenIdIdentity> {
    const library = await import('openid-client');
    return this.#asking(async () => {
      const configuration = await this.#configuration(library);
      const url = new URL(`${this.#options.redirectUri}?${search}`);
      const tokens = await library.authorizationCodeGrant(configuration, url, {
        expectedState: attempt.state,
        expectedNonce: attempt.nonce,
        pkceCodeVerifier: attempt.verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined || tokens.id_token === undefined) {
        throw new Refusal('service_unavailable', 'The provider gave no ID token.');
      }
      const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
      const more =
        hasMore && lacks(claims)
          ? await library.fetchUserInfo(configuration, tokens.access_token, claims.sub)
          : {};
      return { claims: { ...more, ...claims }, idToken: tokens.id_token };
    });
  }

  /** Where a browser ends its session at the provider as well, if the provider offers it and answers. */
  async signOutUrl(idToken: string, returnTo: string): Promise<URL | undefined> {
    const library = await import('openid-client');
    let configuration: Configuration;
    try {
      configuration = await this.#asking(() => this.#configuration(library));
    } catch (error) {
      // Signing out here does not depend on the provider.
      if (error instanceof Refusal) return undefined;
      throw error;
    }
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return library.buildEndSessionUrl(configuration, {
      id_token_hint: idToken,
      post_logout_redirect_uri: returnTo,
    });
  }

  close(): Promise<void> {
    return this.#agent.close();
  }

  /** The provider's metadata; what was not found is looked for again by the next who signs in. */
  #configuration(library: Library): Promise<Configuration> {
    const now = this.#stopwatch.elapsedMs();
    if (this.#found === undefined || now - this.#found.at > openIdMetadataMs) {
      const found = { at: now, configuration: this.#discover(library) };
      this.#found = found;
      found.configuration.catch(() => {
        if (this.#found === found) this.#found = undefined;
      });
    }
    return this.#found.configuration;
  }

  async #discover(library: Library): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.#options;
    const server = new URL(issuer);
    // The fetch of undici and that of Node have types of their own for the same things.
    const fetch = ((url: string, options: Fetch) => {
      return fetchOver(url, { ...options, dispatcher: this.#agent });
    }) as unknown as CustomFetch;
    // The settings admit plain HTTP on loopback alone.
    const isPlain = server.protocol === 'http:';
    const configuration = await library.discovery(
      server,
      clientId,
      undefined,
      // The library sees only now how the provider wants the secret.
      (as, client, body, headers) => {
        if (clientSecret === undefined) return library.None()(as, client, body, headers);
        const methods = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
        const isBasic = methods.includes('client_secret_basic');
        const way = isBasic ? library.ClientSecretBasic : library.ClientSecretPost;
        return way(clientSecret)(as, client, body, headers);
      },
      {
        timeout: openIdTimeoutMs / 1_000,
        [library.customFetch]: fetch,
        // Without the first, an ID token from the token endpoint counts by TLS alone.
        execute: [
          library.enableNonRepudiationChecks,
          ...(isPlain ? [library.allowInsecureRequests] : []),
        ],
      },
    );
    return configuration;
  }

  /** Asks the provider, and says in plain words what went wrong. @throws Refusal */
  async #asking<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= openIdAtOnceMax) {
      const detail = 'Too many people are signing in at once; try again in a moment.';
      throw new Refusal('service_unavailable', detail, { headers: { 'retry-after': '1' } });
    }
    this.#underWay += 1;
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refusal) throw error;
      const { code, words } = explainedFault(error, await import('openid-client'));
      const { issuer, log } = this.#options;
      log.info({ issuer, refused: code, err: error }, 'console.openid.failed');
      throw new Refusal(code, words, { cause: error });
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** What went wrong at the provider. Its own description is not shown: a caller who makes up the address writes it. */
function explainedFault(error: unknown, library: Library): { code: RefusalCode; words: string } {
  if (error instanceof library.AuthorizationResponseError) {
    if (error.error === 'access_denied') {
      const words = 'Your organisation’s sign-in was ended there, or does not admit you.';
      return { code: 'forbidden', words };
    }
    const words = `Your organisation’s sign-in refused: ${plain(error.error)}. ${operatorsPart}`;
    return { code: 'service_unavailable', words };
  }
  if (error instanceof library.ResponseBodyError && error.error === 'invalid_grant') {
    const words = 'This sign-in was used before, or took too long. Sign in again.';
    return { code: 'unauthorized', words };
  }
  const refused = refusedService(error, library);
  if (refused !== undefined) {
    const words = `Your organisation’s sign-in does not accept this service: ${plain(refused)}. ${operatorsPart}`;
    return { code: 'service_unavailable', words };
  }
  if (error instanceof library.ClientError && error.code === 'OAUTH_TIMEOUT') return away;
  if (error instanceof library.ClientError) {
    const words = `What your organisation’s sign-in says cannot be trusted, so nobody was let in. ${operatorsPart}`;
    return { code: 'service_unavailable', words };
  }
  return away;
}

/** The code with which the provider refused the service itself; its secret is wrong, for example. */
function refusedService(error: unknown, library: Library): string | undefined {
  if (error instanceof library.ResponseBodyError) return error.error;
  if (!(error instanceof library.WWWAuthenticateChallengeError)) return undefined;
  return error.cause.map(({ parameters }) => parameters['error']).find(Boolean) ?? '';
}

const away = {
  code: 'service_unavailable',
  words: 'Your organisation’s sign-in does not answer. Try again in a moment.',
} as const;

/** A code of RFC 6749; anything else is not shown. */
function plain(code: string): string {
  return /^[a-z_]{1,60}$/.test(code) ? code : 'an unknown error';
}
