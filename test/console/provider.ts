// An OpenID provider on this machine that is not ours (`oidc-provider`), with a page to sign in at that asks for a
// name alone, and a person without a browser who does.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import Provider from 'oidc-provider';
import { OpenIdProvider } from '../../src/egress/openid-provider.ts';
import { type OpenIdSignIn, openIdReturnPath } from '../../src/http/console-openid.ts';
import { portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import { seal } from '../support/http.ts';

/** What the provider says of its people, by the name that they type. */
export type People = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface TestProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What becomes of the ID tokens that it gives out; a test sets it. */
  readonly onTheWay: { change: (idToken: string) => string | Promise<string> };
}

/** Starts one that knows the service at this address. */
export async function startProvider(
  t: AfterTest,
  serviceUrl: () => string,
  people: People,
): Promise<TestProvider> {
  type Answer = (request: IncomingMessage, response: ServerResponse) => void;
  let answer: Answer | undefined;
  const server = createServer((request, response) => {
    // Only now does the service listen, and has an address.
    answer ??= responseOf();
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://127.0.0.1:${portOf(server)}`;
  const clientSecret = randomBytes(24).toString('base64url');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const onTheWay: TestProvider['onTheWay'] = { change: (idToken) => idToken };
  const responseOf = (): Answer => {
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: 'unwind',
          client_secret: clientSecret,
          redirect_uris: [`${serviceUrl()}${openIdReturnPath}`],
          post_logout_redirect_uris: [`${serviceUrl()}/console`],
          id_token_signed_response_alg: 'ES256',
        },
      ],
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] },
      cookies: { keys: [randomBytes(16).toString('hex')] },
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        profile: ['roles', 'clients'],
      },
      features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: {
          enabled: true,
          logoutSource: async (context, form) => {
            context.body = shown(
              `${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`,
            );
          },
        },
      },
      pkce: { required: () => true },
      findAccount: (_context, accountId) => ({
        accountId,
        claims: async () => ({ sub: accountId, ...people[accountId] }),
      }),
      loadExistingGrant: async (context) => {
        const { client, session } = context.oidc;
        const grant = new provider.Grant({
          ...(client === undefined ? {} : { clientId: client.clientId }),
          ...(session?.accountId === undefined ? {} : { accountId: session.accountId }),
        });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    });
    provider.use(async (context, next) => {
      await next();
      if (context.path !== '/token' || context.status !== 200) return;
      const tokens = context.body as { id_token: string };
      context.body = { ...tokens, id_token: await onTheWay.change(tokens.id_token) };
    });
    const ofProvider = provider.callback();
    return (request, response) => {
      if (request.url?.startsWith('/interaction/') !== true) ofProvider(request, response);
      else interact(provider, request, response);
    };
  };
  return { issuer, clientId: 'unwind', clientSecret, onTheWay };
}

async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse) {
  if (request.method === 'POST') {
    const form = new URLSearchParams(await text(request));
    const accountId = form.get('login');
    const result =
      accountId === null ? { error: 'access_denied' } : { login: { accountId, remember: true } };
    await provider.interactionFinished(request, response, result);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/html' }).end(
    shown(`<form method="post"><label>Name <input name="login" required></label><button>Go on</button></form>
<form method="post"><button>Not now</button></form>`),
  );
}

function shown(body: string): string {
  return `<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,">${body}</html>`;
}

/** The service's side, for `startHttp`. */
export function signInAt(
  t: AfterTest,
  at: Omit<TestProvider, 'clientSecret' | 'onTheWay'> & { readonly clientSecret?: string },
  { url, rules = {} }: { url: () => string; rules?: Partial<OpenIdSignIn['rules']> },
): OpenIdSignIn {
  const { issuer, clientId, clientSecret } = at;
  const provider = new OpenIdProvider({
    issuer,
    clientId,
    clientSecret,
    scopes: 'openid email profile',
    get redirectUri() {
      return url() + openIdReturnPath;
    },
    log: { info: () => {} },
  });
  t.after(() => provider.close());
  const usual = {
    nameClaim: 'email',
    rolesClaim: 'roles',
    roles: [
      { role: 'viewer', value: 'looks' },
      { role: 'operator', value: 'acts' },
      { role: 'risk', value: 'halts' },
    ],
    tenantsClaim: undefined,
  } as const;
  return {
    provider,
    rules: { ...usual, ...rules },
    seal,
    get url() {
      return url();
    },
  };
}

/**
 * Goes to the provider, signs in there by this name (undefined: thinks better of it), and stops before coming back.
 * @returns the address to come back to.
 */
export async function visitProvider(address: string, login: string | undefined): Promise<URL> {
  const { origin } = new URL(address);
  const jar = new Map<string, string>();
  let next = { method: 'GET', address, body: undefined as URLSearchParams | undefined };
  for (let steps = 0; steps < 10; steps += 1) {
    const { method, body } = next;
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const reply = await fetch(next.address, {
      method,
      redirect: 'manual',
      headers: { cookie, connection: 'close' },
      ...(body === undefined ? {} : { body }),
    });
    await reply.text();
    for (const set of reply.headers.getSetCookie()) {
      const [name = '', value = ''] = set.split(';')[0]?.split('=') ?? [];
      jar.set(name, value);
    }
    const location = reply.headers.get('location');
    if (location === null) {
      next = {
        ...next,
        method: 'POST',
        body: new URLSearchParams(login === undefined ? {} : { login }),
      };
      continue;
    }
    const url = new URL(location, origin);
    if (url.origin !== origin) return url;
    next = { method: 'GET', address: url.href, body: undefined };
  }
  throw new Error('the provider led nowhere');
}
