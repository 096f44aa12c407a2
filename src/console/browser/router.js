// Where the page is: the address, and going elsewhere without loading it anew.

import { signal } from '@preact/signals';

const root = '/console';

function here() {
  const path = location.pathname.slice(root.length).replace(/\/+$/, '');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(location.search) };
}

/** The place below `/console`, and its query. */
export const place = signal(here());

addEventListener('popstate', () => {
  place.value = here();
});

/**
 * @param {string} path below `/console`
 * @param {{ replace?: boolean }} [options]
 */
export function go(path, { replace = false } = {}) {
  const address = path === '/' ? root : root + path;
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  const before = place.value.path;
  place.value = here();
  if (!replace && place.value.path !== before) scrollTo(0, 0);
}

/** The address of a place, for links. @param {string} path */
export function to(path) {
  return path === '/' ? root : root + path;
}

/** The same place with other parameters. @param {Record<string, string | undefined>} changes */
export function withQuery(changes) {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  const search = query.toString();
  return place.value.path + (search === '' ? '' : `?${search}`);
}

// Links to places of the console go there at once; with a key held down the browser does what it does.
addEventListener('click', (event) => {
  const { target } = event;
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = target instanceof Element ? target.closest('a') : null;
  if (link === null || link.target !== '' || link.origin !== location.origin) return;
  if (link.pathname !== root && !link.pathname.startsWith(`${root}/`)) return;
  event.preventDefault();
  go(link.pathname.slice(root.length) + link.search || '/');
});
