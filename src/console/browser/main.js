// Begins: signs in with a link if there is one in the address, learns who is here, and draws the console.

import { html } from 'htm/preact';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, loadSession, session, signIn } from './api.js';
import { Frame } from './frame.js';
import { Problem } from './parts.js';
import { place } from './router.js';

const { signIn: way, mode, refused } = document.body.dataset;

function App() {
  const [error, setError] = useState(/** @type {Error | undefined} */ (undefined));
  useEffect(() => {
    begin().catch(setError);
  }, []);
  if (error !== undefined || session.value?.person === null)
    return html`<${SignIn} error=${error} />`;
  if (session.value === undefined) return null;
  return html`<${Frame} />`;
}

/** The secret of a link stands behind the `#`, and is gone from the address before it is used. */
async function begin() {
  // What stands in the address of a sign-in that was refused is of no use to anybody.
  if (refused !== undefined) history.replaceState(null, '', '/console');
  const secret = /^#sign-in=([\w-]+)$/.exec(location.hash)?.[1];
  if (secret !== undefined) history.replaceState(null, '', location.pathname);
  try {
    await (secret === undefined ? loadSession() : signIn(secret));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // A person who is signed in already needs no link.
    await loadSession();
    if (session.value?.person === null) throw error;
  }
}

/** @param {{ error: Error | undefined }} props */
function SignIn({ error }) {
  useEffect(() => {
    document.title = 'Sign in · Unwind';
  }, []);
  return html`<main class="sign-in">
    <div class="brand"><img src="/favicon.svg" alt="" /> Unwind ${mode}</div>
    <h1>Sign in</h1>
    <${Problem} error=${error} />
    ${way === 'openid' && html`<${Organisation} />`}
    ${
      way === 'link' &&
      html`<p>The console of a sandbox opens with a link that works once, within ten minutes.</p>
        <p>
          <code>npm start</code> prints one when it is ready. For another, run this in the directory of the
          sandbox:
        </p>
        <pre>npm run -s unwind -- console</pre>`
    }
    ${
      way === 'none' &&
      html`<p>Nobody can sign in here yet.</p>
        <p>
          People sign in at a live service, or at a sandbox that other machines reach, through an OpenID provider, and
          none is set (<code>UNWIND_OPENID_ISSUER</code>). Until then the API and the command line steer it.
        </p>`
    }
  </main>`;
}

/** The sign-in of the organisation; a person who was refused may have another account there. */
function Organisation() {
  const { path } = place.value;
  const to = /^\/[a-z]+(\/[\w.-]+)?$/.test(path) ? `?to=${path}` : '';
  return html`${
    refused === undefined
      ? html`<p>You sign in with your organisation, and come back here.</p>`
      : html`<div class="notice bad" role="alert">${refused}</div>`
  }
    <div class="buttons">
      <a class="button primary" href=${`/console/openid${to}`} target="_self">Go on with your organisation</a>
      ${
        refused !== undefined &&
        html`<a class="button" href="/console/openid?anew=1" target="_self">As somebody else</a>`
      }
    </div>`;
}

const root = document.getElementById('console');
if (root !== null) render(html`<${App} />`, root);
