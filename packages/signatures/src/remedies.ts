// How to mend a signature that was refused: for every reason one sentence to the person who signs.

import type { SignatureErrorCode } from './signature-error.ts';

/** What to do about each reason; a reason without a remedy does not compile. */
export const remedyTexts: Readonly<Record<SignatureErrorCode, string>> = {
  missing_signature_header:
    'Send both headers; a proxy that drops headers it does not know may be in the way.',
  duplicate_header: 'Send this header once; look for a library or proxy that adds it again.',
  version_unknown: 'Send 15 for draft 15 or 9421 for the RFC; 6 and 1 are for old clients.',
  dialect_mismatch:
    'Send the version you sign in: quoted names in the list are 6, 15 and 9421, bare ones are 1.',
  syntax_signature_input:
    'Write it as sig1=("@method" "@path");created=1700000000;keyid="…": a structured field.',
  syntax_signature: 'Write it as sig1=:BASE64:, standard base64 between colons.',
  label_mismatch: 'Use the same label, such as sig1, in both headers.',
  label_duplicate: 'Give each signature a label of its own.',
  component_duplicate: 'List each component once.',
  component_invalid: 'Write header names in lower case; derived components begin with @.',
  component_unsupported:
    'Leave it out of the list: of derived components @method, @path, @query, @authority, @scheme, ' +
    '@target-uri and @request-target are taken, and no component with parameters.',
  too_many_components: 'Cover fewer components: 32 in each of at most 16 signatures.',
  component_missing:
    'Sign only headers that are sent as they are; this one is not there, or a proxy took it away.',
  component_value_illegal: 'Keep header values in visible ASCII; percent-encode what is not.',
  param_missing_created: 'Add ;created= with the time in whole Unix seconds.',
  param_missing_keyid: 'Add ;keyid="…" with the id under which your public key is registered.',
  param_invalid: 'Write times as whole numbers without quotes, keyid and nonce as quoted strings.',
  param_unknown: 'Draft 01 knows keyId, alg, created and expires only.',
  param_duplicate: 'Give each parameter once.',
  uncovered_method: 'Add "@method" to the list (draft 01: *request-target).',
  uncovered_path: 'Add "@path" to the list (draft 01: *request-target).',
  uncovered_query: 'Add "@query" to the list: the target has a query (draft 01: *request-target).',
  uncovered_created: 'Add *created to the list.',
  uncovered_expires: 'Add *expires to the list.',
  uncovered_authorization: 'Add "authorization" to the list.',
  uncovered_client_id: 'Add "upvest-client-id" to the list.',
  uncovered_idempotency_key: 'Add "idempotency-key" to the list.',
  uncovered_digest: 'Add the digest header to the list, so that the body is protected.',
  client_id_missing: 'Send the header upvest-client-id with your client id.',
  digest_missing:
    'Send content-digest: sha-512=:BASE64: (draft 15, RFC 9421) or digest: SHA-256=BASE64 (draft 6, 1).',
  digest_syntax: 'Write content-digest as sha-512=:BASE64: and digest as SHA-256=BASE64.',
  digest_algorithm: 'Use SHA-256 or SHA-512.',
  digest_mismatch:
    'Compute the digest over the very bytes that are sent, after the JSON is written and not again.',
  keyid_unknown:
    'Use the key id that was printed when the public key was registered, and your own client id.',
  key_not_live: 'Use a key that was not revoked.',
  key_wrong_client: 'Send the client id that the key is registered for.',
  alg_not_allowed:
    'P-521 signs drafts 15, 6 and 1; RFC 9421 has no algorithm for it: use Ed25519, P-256 or P-384.',
  alg_mismatch: 'Leave alg out: the algorithm follows from the registered key.',
  created_too_old: 'Sign each request when it is sent, and again for each retry; check the clock.',
  created_future: 'Set the clock of the signing machine: it is more than 30 s ahead.',
  expired: 'Sign later, or give it a longer life: a minute is usual.',
  expires_before_created: 'Put expires after created.',
  replayed: 'Sign each request anew with a fresh nonce; retries keep the idempotency key alone.',
  signature_encoding:
    'ECDSA is ASN.1 DER in drafts 15, 6 and 1, and r and s side by side in RFC 9421.',
  signature_invalid:
    'Compare the base shown here with yours, byte for byte; if they agree, the key or hash differs.',
};
