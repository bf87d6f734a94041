/** Errors → `application/problem+json`. What users may read goes out, the cause goes to the log. */
import type { Hook } from '@hono/zod-openapi';
import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { z } from 'zod';
import { ERRORS, type ErrorCode, FrameloomError } from '../schema/errors.ts';
import { Problem, problem } from '../schema/problem.ts';
import { StoreError, type StoreErrorCode } from '../store/artifact-store.ts';
import type { Api, ApiEnv, Log } from './deps.ts';

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
  const body = problem(code, detail, c.get('requestId'), errors);
  return new Response(JSON.stringify(body), { status: ERRORS[code].status, headers });
}

/** The last word on everything thrown by a handler. */
export function errorHandler(log: Log): ErrorHandler<ApiEnv> {
  return function onError(error, c) {
    const { code, detail } = describeError(error);
    if (ERRORS[code].status >= 500) {
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

/** 405 with `Allow` where only the method is wrong, 404 otherwise. */
export function notFoundHandler(app: Api): NotFoundHandler<ApiEnv> {
  return function onNotFound(c) {
    const allowed = new Set(
      app.routes
        .filter((route) => route.method !== 'ALL' && matches(route.path, c.req.path))
        .flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])),
    );
    if (allowed.size === 0) return problemResponse(c, 'not_found', 'There is nothing at this address.');
    const response = problemResponse(c, 'method_not_allowed', 'The method is not allowed here.');
    response.headers.set('Allow', [...allowed].join(', '));
    return response;
  };
}

/** Whether `path` has the shape of `pattern`, whose segments may be `:names`. */
function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
  );
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
              group.map((code) => [code, { value: problem(code, ERRORS[code].title, 'req_7f2c') }]),
            ),
          },
        },
      },
    ]),
  );
}
