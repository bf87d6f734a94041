/** Errors as `application/problem+json`. Responses contain the message for users; causes are only logged. */
import type { Hook } from '@hono/zod-openapi';
import type { Context, ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { z } from 'zod';
import { ERRORS, type ErrorCode, FrameloomError } from '../../core/errors.ts';
import { createProblem, Problem } from '../../schema/problem.ts';
import { StoreError } from '../../store/artifact-store.ts';
import { publicStoreError } from '../../store/error-codes.ts';
import type { Log } from './deps.ts';
import type { ApiEnv } from './env.ts';

/** The maximum number of fields that a problem lists. */
const MAX_FIELD_ERRORS = 20;
const MAX_FIELD_MESSAGE_LENGTH = 200;

const RETRY_AFTER_STATUSES = new Set([429, 503]);
const RETRY_AFTER_HEADER = {
  'Retry-After': {
    description: 'Seconds to wait before the next attempt.',
    schema: { type: 'integer' as const, minimum: 0 },
  },
};

/** Returns the error code of a thrown value, and a message for users. */
export function describeError(error: unknown): { readonly code: ErrorCode; readonly detail: string } {
  if (error instanceof FrameloomError) return { code: error.code, detail: error.message };
  if (error instanceof StoreError) {
    const { code, message } = publicStoreError(error, 'request');
    return { code, detail: message };
  }
  if (error instanceof HTTPException) {
    if (error.status === 415) {
      return { code: 'unsupported_content_type', detail: 'The body must be sent as application/json.' };
    }
    if (error.status === 400) return { code: 'invalid_request', detail: 'The body is not valid JSON.' };
  }
  return { code: 'internal', detail: 'An unexpected error occurred.' };
}

/** The response with the problem document of `code`. */
export function problemResponse(
  c: Context<ApiEnv>,
  code: ErrorCode,
  detail: string,
  errors?: Problem['errors'],
): Response {
  const headers = new Headers({ 'Content-Type': 'application/problem+json' });
  if (code === 'unauthorized') headers.set('WWW-Authenticate', 'Bearer realm="frameloom"');
  if (ERRORS[code].status === 503) headers.set('Retry-After', '1');
  // The rest of the body is not read.
  if (code === 'payload_too_large' || code === 'request_timeout') headers.set('Connection', 'close');
  const body = createProblem(code, detail, c.get('requestId'), errors);
  return new Response(JSON.stringify(body), { status: ERRORS[code].status, headers });
}

/** Handles everything a handler throws: logs it and returns the problem. */
export function errorHandler(log: Log): ErrorHandler<ApiEnv> {
  return function onError(error, c) {
    const { code, detail } = describeError(error);
    if (c.req.raw.signal.aborted) {
      log('info', 'client went away', { request_id: c.get('requestId'), path: c.req.path });
    } else if (ERRORS[code].status >= 500) {
      log('error', 'request failed', { request_id: c.get('requestId'), code, path: c.req.path, error });
    }
    return problemResponse(c, code, detail);
  };
}

/** Turns a failed validation into a problem that names each field, such as `source.url` or `query.limit`. */
export const validationHook: Hook<unknown, ApiEnv, string, Response | undefined> = (result, c) => {
  if (result.success) return undefined;
  // No resource can have an id with an invalid format.
  if (result.target === 'param') return problemResponse(c, 'not_found', `No such ${resourceAt(c.req.path)}.`);
  const place = result.target === 'json' ? [] : [result.target];
  const errors = result.error.issues.flatMap((issue) => fieldErrors(issue, place)).slice(0, MAX_FIELD_ERRORS);
  const first = errors[0];
  const detail = first ? `${first.path || 'The body'}: ${first.message}` : 'The request is malformed.';
  return problemResponse(c, 'invalid_request', detail, errors);
};

const RESOURCES: Readonly<Record<string, string>> = {
  summaries: 'job',
  files: 'file',
  uploads: 'upload',
  batches: 'batch',
  'batch-schedules': 'schedule',
  estimates: 'estimate',
};

/** The kind of resource at a path such as `/v1/files/{id}`. */
function resourceAt(path: string): string {
  const [, , collection = '', , part] = path.split('/');
  return part === 'frames' ? 'frame' : (RESOURCES[collection] ?? 'resource');
}

function fieldErrors(
  issue: z.core.$ZodIssue,
  place: readonly string[],
): { readonly path: string; readonly message: string }[] {
  const path = [...place, ...issue.path.map(String)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, cut(key)].join('.'),
      message: 'is not a known member',
    }));
  }
  return [{ path: path.join('.'), message: cut(issue.message) }];
}

function cut(text: string): string {
  return text.length > MAX_FIELD_MESSAGE_LENGTH ? `${text.slice(0, MAX_FIELD_MESSAGE_LENGTH - 1)}…` : text;
}

/**
 * The problem responses of an operation for its OpenAPI description, one per status. Includes the errors that
 * every operation can return. The type is empty, because handlers throw these responses and never return
 * them.
 */
export function problems(...codes: readonly ErrorCode[]): Record<never, never> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set<ErrorCode>([...codes, 'unauthorized', 'rate_limited', 'internal'])) {
    byStatus.set(ERRORS[code].status, [...(byStatus.get(ERRORS[code].status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [status, problemDescription(status, group)]),
  );
}

function problemDescription(status: number, codes: readonly ErrorCode[]) {
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join(' '),
    ...(RETRY_AFTER_STATUSES.has(status) ? { headers: RETRY_AFTER_HEADER } : {}),
    content: {
      'application/problem+json': {
        schema: Problem,
        examples: Object.fromEntries(
          codes.map((code) => [code, { value: createProblem(code, ERRORS[code].title, 'req_7f2c') }]),
        ),
      },
    },
  };
}
