// The only place that knows which status a refusal has. Every error a client sees is made here, in
// the form of RFC 9457 with the members of the contract.

import { maskAuthorization, SignatureError } from '@unwind/signatures';
import { isPassing } from '../db/errors.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';

interface Kind {
  readonly status: number;
  readonly title: string;
}

/** A code without a status does not compile. */
export const problemKinds: Readonly<Record<RefusalCode, Kind>> = {
  bad_request: { status: 400, title: 'Bad Request' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not Found' },
  method_not_allowed: { status: 405, title: 'Method Not Allowed' },
  not_acceptable: { status: 406, title: 'Not Acceptable' },
  conflict: { status: 409, title: 'Conflict' },
  content_too_large: { status: 413, title: 'Content Too Large' },
  unsupported_media_type: { status: 415, title: 'Unsupported Media Type' },
  unprocessable_content: { status: 422, title: 'Unprocessable Content' },
  too_many_requests: { status: 429, title: 'Too Many Requests' },
  internal_server_error: { status: 500, title: 'Internal Server Error' },
  service_unavailable: { status: 503, title: 'Service Unavailable' },
  gateway_timeout: { status: 504, title: 'Gateway Timeout' },
};

export interface Problem {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ProblemSettings {
  /** Sandbox only: a refused signature is shown with the base the service computed. */
  readonly showSignatureBase: boolean;
  /** Where the pages of errors are, without a slash at the end; `type` is then a URL. */
  readonly errorsUrl: string | undefined;
}

/** The response to a failed request. What is not a refusal says nothing of its cause. */
export function toProblem(error: unknown, requestId: string, settings: ProblemSettings): Problem {
  const refusal = toRefusal(error, settings);
  const { code } = refusal;
  const { status, title } = problemKinds[code];
  const body = JSON.stringify({
    type: settings.errorsUrl === undefined ? code : `${settings.errorsUrl}/${code}`,
    status,
    title,
    detail: refusal.message,
    instance: `urn:uuid:${requestId}`,
    request_id: requestId,
  });
  // RFC 9110 section 15.5.2 asks for a challenge; the token is the credential, the signature its seal.
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="unwind"' } : {};
  return { status, body, headers: { ...challenge, ...refusal.headers } };
}

/** Whether a request failed because its sender or its signature was not accepted. */
export function isUnauthenticated(error: unknown): boolean {
  if (error instanceof SignatureError) return codeOf(error) === 'unauthorized';
  return error instanceof Refusal && error.code === 'unauthorized';
}

function codeOf(error: SignatureError): RefusalCode {
  return error.code === 'client_id_missing' ? 'bad_request' : 'unauthorized';
}

/** Whether an error is a fault of the service, to be logged with its cause. */
export function isFault(error: unknown): boolean {
  return !(error instanceof Refusal) && !(error instanceof SignatureError);
}

/** Only a sandbox has it, and only a sandbox says so. */
const whereExplained = 'Send the request as text to POST /tests/signature to have it explained.';

function toRefusal(error: unknown, { showSignatureBase }: ProblemSettings): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof SignatureError) {
    const { base, detail } = error;
    if (!showSignatureBase) return new Refusal(codeOf(error), detail);
    const shown =
      base === undefined
        ? ''
        : ` The service computed this signature base:\n${maskAuthorization(base)}`;
    return new Refusal(codeOf(error), `${detail} ${whereExplained}${shown}`);
  }
  if (isPassing(error)) {
    const detail = 'The database cannot serve this now; try again with the same idempotency key.';
    return new Refusal('service_unavailable', detail, { headers: { 'retry-after': '1' } });
  }
  return new Refusal('internal_server_error', 'The service failed; the error was recorded.');
}
