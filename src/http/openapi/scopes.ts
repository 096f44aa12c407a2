// The scopes as the API document lists them, and how a request is authenticated.

import { scopeMeanings } from '../../auth/scope.ts';

export const oauthScheme = 'oauth-client-credentials';
export const signatureScheme = 'http-message-signature';

/** @param isSandbox whether `tests:admin` exists. */
export function securitySchemes(isSandbox: boolean): object {
  const shown = Object.entries(scopeMeanings).filter(
    ([scope]) => isSandbox || scope !== 'tests:admin',
  );
  return {
    [oauthScheme]: {
      type: 'oauth2',
      description:
        'A token of half an hour from `POST /auth/token`, sent as `authorization: Bearer …`. An ' +
        '`:admin` scope serves wherever the `:read` scope beside it does.',
      flows: {
        clientCredentials: { tokenUrl: '/auth/token', scopes: Object.fromEntries(shown) },
      },
    },
    [signatureScheme]: {
      type: 'apiKey',
      in: 'header',
      name: 'signature',
      description:
        'An HTTP message signature over the request, described by `signature-input`. See ' +
        '“Signing a request” above.',
    },
  };
}
