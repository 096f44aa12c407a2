// What the document says of the operation on the trail.

import { Type } from 'typebox';
import { actKinds } from '../../trail/act.ts';
import { listActsQuery } from '../control-schemas.ts';
import { instant, shape, some, text, uuid } from '../members.ts';
import { cursorPageOf, type OperationPart } from './operation.ts';

const act = shape('Act', {
  id: uuid('The act.'),
  at: instant('When it was asked for.'),
  kind: some(
    actKinds,
    'client: a signed request; person: at the console; command: by the operator.',
  ),
  actor: text('The id of the key that signed, or the name of a person.'),
  role: Type.Optional(text('Of a person at the console.')),
  subject: Type.Optional(
    text(
      'Of a person who signed in through an identity provider: its issuer, a space, and its own id of the person.',
    ),
  ),
  origin: Type.Optional(text('The address that a signed request came from.')),
  operation: text('The operation of this document, or of the operator.'),
  target: text('What it was done to, as a path.'),
  reason: Type.Optional(text('Why, where the person was asked.')),
  detail: Type.Optional(text('What changed: the first 4,000 characters of the request.')),
  request_sha256: Type.Optional(
    text('SHA-256 of method, path, line feed and body of the request.'),
  ),
});

const actView = {
  id: '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f',
  at: '2021-07-21T14:10:00.000Z',
  kind: 'client',
  actor: '0199c9a2-0000-7c11-9f0a-3b1f8c2d4e5f',
  origin: '203.0.113.7',
  operation: 'create_account_liquidation',
  target:
    '/accounts/143d980c-b742-4448-aa4a-78893d650617/liquidations/0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e60',
  request_sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
} as const;

export const trailOperations = {
  list_acts: {
    tag: 'Control',
    summary: 'List who has changed what',
    description:
      'Every change of this client, the newest first: by a signed request, at the ' +
      'console, or by a command of the operator. An act is recorded in the commit of its change, so what was ' +
      'refused is not there. A page looks at 10,000 acts at most: where few of them match it may be short, or ' +
      'empty, and still lead on.',
    query: listActsQuery,
    success: cursorPageOf(act, 'A page of acts.', 'One liquidation was asked for', [actView]),
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
