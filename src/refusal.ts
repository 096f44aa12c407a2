// Refusals to a client. A refusal has a code and one sentence; `http/problem.ts` alone knows
// which status and title that makes.

/** Every reason the service may give for not doing what a client asks. */
export type RefusalCode =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'not_acceptable'
  | 'conflict'
  | 'content_too_large'
  | 'unsupported_media_type'
  | 'unprocessable_content'
  | 'too_many_requests'
  | 'internal_server_error'
  | 'service_unavailable'
  | 'gateway_timeout';

/** Something a client asked for that is not done; nothing has changed. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** Response headers that belong to the refusal, such as `allow` or `location`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: RefusalCode,
    detail: string,
    options: { headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.headers = options.headers ?? {};
  }
}
