// What an operation says of itself in the API document. Each room writes its operations in a file
// beside this one; operations.ts joins them; document.ts makes the document of those a service has.

import { type TObject, type TSchema, Type } from 'typebox';
import type { RefusalCode } from '../../refusal.ts';
import { count, flag, shape, some, text, whole } from '../members.ts';

/** Groups of operations, in the order in which they are shown. */
export const tags = {
  Liquidations: 'Turn every position of an account into cash, and follow how far that is.',
  Users: 'The owners of accounts.',
  Accounts: 'The accounts of the book, and their owners.',
  Positions: 'What an account holds, and how much of it can be sold.',
  Orders: 'What liquidations sell, order by order, and what each execution earned.',
  Instruments: 'The instruments of the book, and whether they trade.',
  Webhooks: 'Subscriptions to events, their deliveries, and the public keys that verify them.',
  Control:
    'See and steer the liquidations of all accounts. An extension of this service, beside the ' +
    'published API.',
  Authentication: 'Get and revoke bearer tokens: signed requests with the client secret.',
  Sandbox: 'Only in a sandbox: change the book and the market on demand, and explain signatures.',
  Service: 'For operators and tools: probes and this document.',
} as const;

export type Tag = keyof typeof tags;

/** Named examples of one body. */
export type Examples = Readonly<
  Record<string, { readonly summary: string; readonly value: unknown }>
>;

export interface RequestBody {
  /** Default JSON. */
  readonly type?: string;
  readonly schema: TObject;
  readonly examples: Examples;
}

export interface Success {
  readonly status: 200 | 201 | 202 | 204;
  readonly description: string;
  /** Absent where the response has no body. */
  readonly body?: {
    /** Default JSON. */
    readonly type?: string;
    readonly schema: TSchema;
    readonly examples?: Examples;
  };
  /** Besides those that every response has, and every one to a request with an idempotency key. */
  readonly headers?: readonly ResponseHeader[];
}

export type ResponseHeader = 'IdempotencyReplayed' | 'ETag' | 'CacheControl' | 'Link';

/** When an operation refuses, by code, in one sentence each. */
export type Refusals = Partial<Readonly<Record<RefusalCode, string>>>;

export interface OperationPart {
  readonly tag: Tag;
  /** A few words, as a title. */
  readonly summary: string;
  /** Whole sentences, in Markdown. */
  readonly description: string;
  /** The schema that also validates the query. */
  readonly query?: TObject;
  /** The schema that also validates the body. */
  readonly body?: RequestBody;
  /** Of an open operation with a body: whether its requests are not signed. */
  readonly isUnsigned?: true;
  readonly success: Success;
  /** Beside those that every operation of its kind can answer (answers.ts). */
  readonly refusals?: Refusals;
  /** A response that is neither success nor problem, such as that of a probe. */
  readonly others?: Readonly<Record<number, Omit<Success, 'status'>>>;
}

/** The only example of a body, by its name. */
export function exampleOf(name: string, summary: string, value: unknown): Examples {
  return { [name]: { summary, value } };
}

/** A response in JSON. */
export function responseOf(
  description: string,
  schema: TSchema,
  examples: Examples,
  status: Success['status'] = 200,
) {
  return { status, description, body: { schema, examples } } as const;
}

export const pageMeta = shape('Page', {
  offset: count('Items skipped before this page.'),
  limit: count(
    'The most items this page could have: as asked, or fewer where the page was cut at 4 MiB.',
  ),
  count: count('Items on this page.'),
  total_count: count('Items on all pages.'),
  sort: text('What the list is sorted by.'),
  order: some(['ASC', 'DESC'], 'The sort order.'),
});

/** A page of a list as the response, with one item as its example; `sort` is what it is sorted by. */
export function pageOf(
  item: TSchema,
  description: string,
  summary: string,
  value: unknown,
  sort: 'created_at' | 'id' | 'isin' | 'parked_at',
): Success {
  const meta = { count: 1, limit: 100, offset: 0, order: 'ASC', sort, total_count: 1 };
  return {
    status: 200,
    description,
    body: {
      schema: Type.Object({ meta: pageMeta, data: Type.Array(item) }),
      examples: { page: { summary, value: { data: [value], meta } } },
    },
    headers: ['Link'],
  };
}

const keyPageMeta = shape('Page that goes on by cursor', {
  count: count('Items on this page.'),
  limit: whole('The most items this page could have.', { minimum: 1 }),
  next: Type.Union([Type.String(), Type.Null()], {
    description: 'The cursor to go on with; null at the end of the list.',
  }),
  has_more: flag('Whether the list may go on behind this page.'),
});

/** A page of a list that goes on by cursor, with all its items as the example. */
export function cursorPageOf(
  item: TSchema,
  description: string,
  summary: string,
  data: readonly unknown[],
): Success {
  const meta = { count: data.length, limit: 100, next: null, has_more: false };
  return {
    ...responseOf(description, Type.Object({ data: Type.Array(item), meta: keyPageMeta }), {
      page: { summary, value: { data, meta } },
    }),
    headers: ['Link'],
  };
}
