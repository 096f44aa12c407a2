// The first page of the document: what the API is for, and what all its operations have in common.

export const introduction = `
Unwind turns every position of a brokerage account into cash, exactly once. Ask for the liquidation of
an account; it is released, an order for each position is sold at the venue, and events tell of every
step until the cash is there.

## Calling it

1. Get a token: \`POST /auth/token\` with your client id and secret.
2. Send every request with \`upvest-client-id\`, \`authorization: Bearer …\` and a signature.
3. Give each liquidation an \`idempotency-key\`. When no answer comes, send the same request again with a
   new signature and the same key: it is carried out once, and you get the first answer.

## Signing a request

Every request is signed with your private key (HTTP message signatures). The dialects are RFC 9421 and
its drafts 15, 6 and 1; \`upvest-signature-version\` says which one you use.

- Cover \`@method\`, \`@path\`, \`@query\` if there is one, \`authorization\`, \`upvest-client-id\`,
  \`idempotency-key\` if you send it, and \`content-digest\` (dialects 1 and 6: \`digest\`) if there is a
  body.
- Name your key in \`keyid\` and the time in \`created\`: a signature lives for 300 seconds.
- A signature counts once. Add a \`nonce\`, so that two equal requests of one second differ.
- Keys are ECDSA on P-256, P-384 or P-521, or Ed25519; P-521 has no place in RFC 9421.

A sandbox answers a bad signature with the signature base it computed, so that you can compare.

## Events

Each step of a liquidation is an event with the liquidation as it was then. Subscribe with \`POST /webhooks\`:
deliveries are signed by the service; verify them with the keys of \`GET /auth/verify_keys\`. Events of one
account arrive in order, a repeated one has the same \`id\`, and what you do not answer with 2xx comes again.
\`GET /events\` is the log behind them, for 90 days: read it from your last cursor when you may have missed some.

## Errors

An error is \`application/problem+json\` (RFC 9457): \`type\` names its kind, \`detail\` says what is wrong.
Every answer carries \`upvest-request-id\`, by which its log entry is found; errors repeat it as
\`request_id\`. Nothing that was refused has changed anything. Each kind has a page with what to do:
[/errors](/errors).

## HEAD, OPTIONS and lists

HEAD answers wherever GET does, signed as HEAD, with the headers alone. OPTIONS answers 204 with the
methods of the path in \`allow\`. Lists come in pages of \`limit\` items from \`offset\`;
\`meta.total_count\` counts all. Clients have to bear members they do not know.
`.trim();
