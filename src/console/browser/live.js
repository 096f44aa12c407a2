// Keeps what a page shows up to date: asks again when something happened, never twice at once, and not while
// the page is hidden.

import { effect, signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, isElsewhere, session } from './api.js';

/** Whether the last response came. */
export const isLive = signal(true);

/** Pages that are drawn now. @type {Set<() => void>} */
const listeners = new Set();

/** How long events are gathered before pages ask anew, in ms: a thousand a second cost one question. */
const gatherMs = 1_000;
/** How long to wait after the service has refused the stream, or could not answer a question, in ms. */
const refusedMs = 5_000;

let isDue = false;
let askedAt = 0;

function askAnew() {
  isDue = false;
  if (document.hidden || isElsewhere.value) return;
  askedAt = performance.now();
  for (const listener of listeners) listener();
}

/** Something happened: pages ask soon, once for all that happens meanwhile. */
function happened() {
  if (isDue) return;
  isDue = true;
  setTimeout(askAnew, Math.max(0, gatherMs - (performance.now() - askedAt)));
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) happened();
});

/** The stream of events of the client that is looked at. @type {EventSource | undefined} */
let stream;

/** Kinds of events that a stream has beside its own of the connection. */
const kinds = ['NEW', 'PROCESSING', 'FILLED', 'SETTLED', 'CANCELLED'].map(
  (one) => `ACCOUNT_LIQUIDATION.${one}`,
);

/** Follows what happens from now on; a lost connection is made anew by the browser. */
export function follow() {
  stream?.close();
  const tenant = session.value?.tenant;
  stream = new EventSource(`/console/api/stream?${tenant ? `tenant=${tenant}&` : ''}changes=true`);
  for (const kind of ['message', 'gap', 'changed', ...kinds])
    stream.addEventListener(kind, happened);
  stream.addEventListener('open', () => {
    isLive.value = true;
  });
  stream.addEventListener('error', ({ target }) => {
    isLive.value = false;
    // Whether the session has ended is seen by asking.
    happened();
    // A browser connects anew by itself, but not where the response was a refusal.
    const isRefused = stream === target && stream?.readyState === EventSource.CLOSED;
    if (isRefused) setTimeout(() => stream === target && follow(), refusedMs);
  });
}

export function unfollow() {
  stream?.close();
  stream = undefined;
}

// What this tab asks from then on would be refused: it waits to be loaded anew.
effect(() => {
  if (isElsewhere.value) unfollow();
});

/**
 * What a request answers, kept fresh.
 *
 * @template T
 * @param {(asked: import('./api.js').Asked) => Promise<T>} ask
 * @param {unknown[]} inputs ask anew when one of them changes
 * @returns {{ data: T | undefined, error: ApiError | undefined, again: () => void }}
 */
export function useFresh(ask, inputs) {
  const [state, setState] = useState(
    /** @type {{ data: T | undefined, error: ApiError | undefined }} */ ({
      data: undefined,
      error: undefined,
    }),
  );
  const latest = useRef(ask);
  latest.current = ask;
  const again = useRef(() => {});
  useEffect(() => {
    const ended = new AbortController();
    let isAsking = false;
    let isWanted = false;
    let isBackground = false;
    const load = async () => {
      isWanted = isAsking;
      if (isAsking) return;
      isAsking = true;
      try {
        const data = await latest.current({ signal: ended.signal, isBackground });
        if (ended.signal.aborted) return;
        setState({ data, error: undefined });
      } catch (error) {
        const isEnded = error instanceof DOMException && error.name === 'AbortError';
        if (isEnded || ended.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState((before) => ({ data: before.data, error }));
        // What is shown is old, and perhaps nothing more happens that would have the page ask.
        if (error.isPassing) setTimeout(happened, refusedMs);
      } finally {
        isBackground = true;
        isAsking = false;
      }
      if (isWanted) load();
    };
    setState({ data: undefined, error: undefined });
    again.current = load;
    listeners.add(load);
    load();
    return () => {
      ended.abort();
      listeners.delete(load);
    };
  }, inputs);
  return { ...state, again: () => again.current() };
}
