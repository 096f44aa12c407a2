// Begins: signs in with a link if there is one in the address, learns who is here, and draws the console.

import { html } from 'htm/preact';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, loadSession, session, signIn } from './api.js';
import { Frame } from './frame.js';
import { Problem } from './parts.js';

const { signIn: way, mode } = document.body.dataset;

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
  const secret = /^#sign-in=([\w-]+)$/.exec(location.hash)?.[1];
  if (secret !== undefined) history.replaceState(null, '', location.pathname);
  try {
    await (secret === undefined ? loadSession() : signIn(secret));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Whoever is signed in already needs no link.
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
    ${way === 'openid' && html`<p><a class="button primary" href="/console/openid" target="_self">Go on with your organisation</a></p>`}
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
          This version opens its console only for a sandbox that is reached from its own machine. A live service,
          or a sandbox that other machines reach, is steered by the API and the command line.
        </p>`
    }
  </main>`;
}

const root = document.getElementById('console');
if (root !== null) render(html`<${App} />`, root);
