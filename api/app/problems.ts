/** Errors → `application/problem+json`. What users may read goes out, the cause goes to the log. */
import type { Hook } from '@hono/zod-openapi';
import type { Context, ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { z } from 'zod';
import { ERRORS, type ErrorCode, FrameloomError } from '../../core/errors.ts';
import { createProblem, Problem } from '../../schema/problem.ts';
import { StoreError, type StoreErrorCode } from '../../store/artifact-store.ts';
import type { Log } from './deps.ts';
import type { ApiEnv } from './env.ts';

const FIELDS_SHOWN = 20;

const STORE_ERRORS = {
  not_found: ['artifact_corrupt', 'A stored artifact is missing.'],
  corrupt: ['artifact_corrupt', 'A stored artifact does not match its hash.'],
  too_large: ['payload_too_large', 'The body is larger than allowed.'],
  full: ['storage_full', 'The artifact store is full.'],
  unavailable: ['storage_unavailable', 'The artifact store did not answer.'],
  invalid_name: ['internal', 'Something unexpected went wrong.'],
} as const satisfies Record<StoreErrorCode, readonly [ErrorCode, string]>;

/** Code and user text of anything thrown. */
export function describeError(error: unknown): { readonly code: ErrorCode; readonly detail: string } {
  if (error instanceof FrameloomError) return { code: error.code, detail: error.message };
  if (error instanceof StoreError) {
    const [code, detail] = STORE_ERRORS[error.code];
    return { code, detail };
  }
  if (error instanceof HTTPException) {
    if (error.status === 415) {
      return { code: 'unsupported_content_type', detail: 'The body must be sent as application/json.' };
    }
    if (error.status === 400) return { code: 'invalid_request', detail: 'The body is not valid JSON.' };
  }
  return { code: 'internal', detail: 'Something unexpected went wrong.' };
}

/** Answers with the problem document of `code`. */
export function problemResponse(
  c: Context<ApiEnv>,
  code: ErrorCode,
  detail: string,
  errors?: Problem['errors'],
): Response {
  const headers = new Headers({ 'Content-Type': 'application/problem+json' });
  if (code === 'unauthorized') headers.set('WWW-Authenticate', 'Bearer realm="frameloom"');
  if (ERRORS[code].status === 503) headers.set('Retry-After', '1');
  const body = createProblem(code, detail, c.get('requestId'), errors);
  return new Response(JSON.stringify(body), { status: ERRORS[code].status, headers });
}

/** The last word on everything thrown by a handler. */
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

/** Turns a failed validation into a problem that names each field, with its place in front: `query.limit`, `header.…`. */
export const validationHook: Hook<unknown, ApiEnv, string, Response | undefined> = (result, c) => {
  if (result.success) return undefined;
  // An id of the wrong shape can name nothing.
  if (result.target === 'param') return problemResponse(c, 'not_found', 'There is nothing with this id.');
  const place = result.target === 'json' ? [] : [result.target];
  const errors = result.error.issues.flatMap((issue) => fieldErrors(issue, place)).slice(0, FIELDS_SHOWN);
  const first = errors[0];
  const detail = first ? `${first.path || 'The body'}: ${first.message}` : 'The request is malformed.';
  return problemResponse(c, 'invalid_request', detail, errors);
};

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
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

/**
 * The problem responses of a route, for its OpenAPI description: codes that share a status share a response. Typed as
 * nothing, because handlers throw these and never return them.
 */
export function problems(...codes: readonly ErrorCode[]): Record<never, never> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set<ErrorCode>([...codes, 'unauthorized', 'internal'])) {
    byStatus.set(ERRORS[code].status, [...(byStatus.get(ERRORS[code].status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join(' '),
        content: {
          'application/problem+json': {
            schema: Problem,
            examples: Object.fromEntries(
              group.map((code) => [code, { value: createProblem(code, ERRORS[code].title, 'req_7f2c') }]),
            ),
          },
        },
      },
    ]),
  );
}
