// Shows the API document in the page. In a sandbox the page can also send requests, signed by try-it.js; else
// it offers none, since it could not sign.

import { offerTryIt, signedFetch } from './try-it.js';

const place = /** @type {HTMLElement} */ (document.querySelector('#reference'));
const isSandbox = place.dataset['tryIt'] === 'yes';

if (isSandbox) offerTryIt();

const configuration = {
  url: '/openapi.json',
  title: 'Unwind',
  // Nothing that talks to the outside.
  proxyUrl: '',
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true, hideAddApi: true },
  mcp: { disabled: true },
  hideTestRequestButton: !isSandbox,
  hideClientButton: true,
  persistAuth: false,
  // Generated samples would not be signed.
  hiddenClients: true,
  showDeveloperTools: 'never',
  defaultOpenAllTags: true,
  hideModels: false,
  ...(isSandbox ? { customFetch: signedFetch } : {}),
};

/** @type {any} */ (globalThis).Scalar.createApiReference('#reference', configuration);
