/**
 * The contract of the API as types, derived from the operations that the routes implement. Clients import
 * these types and nothing else of this module: if they do not follow a change of an operation, the type check
 * fails.
 */
import type { z } from '@hono/zod-openapi';
import type * as operations from './operations/index.ts';

/** All operations, by `operationId`. */
type Operations = {
  [K in keyof typeof operations as (typeof operations)[K] extends { operationId: string }
    ? K
    : never]: (typeof operations)[K];
};

/** The name of an operation: its `operationId` in the OpenAPI document. */
export type OperationId = keyof Operations;

/** All operations, by method and path. */
type Endpoints = { [K in OperationId as MethodAndPath<K>]: Operations[K] };

/** The method and path of any operation, such as `GET /v1/summaries/{id}`. */
export type Endpoint = keyof Endpoints;

/** The method and path of one operation. */
export type EndpointOf<K extends OperationId> = Endpoint & MethodAndPath<K>;

type MethodAndPath<K extends OperationId> = `${Uppercase<Operations[K]['method']>} ${Operations[K]['path']}`;

/** The names of the parameters in a path. */
export type EndpointParam<E extends Endpoint> = ParamIn<E>;

/** The JSON body as a client sends it: members with a default are optional. `undefined` without one. */
export type EndpointBody<E extends Endpoint> = Endpoints[E] extends {
  request: { body: { content: { 'application/json': { schema: infer S extends z.ZodType } } } };
}
  ? z.input<S>
  : undefined;

/** The query parameters, which are sent as text. `undefined` without any. */
export type EndpointQuery<E extends Endpoint> = Endpoints[E] extends {
  request: { query: infer S extends z.ZodType };
}
  ? { readonly [P in keyof z.output<S>]: NumberOrString<z.output<S>[P]> }
  : undefined;

/** The content of successful responses: JSON as the server sends it, with defaults filled in, or text. */
export type EndpointResponse<E extends Endpoint> = ContentOf<
  Endpoints[E]['responses'][keyof Endpoints[E]['responses'] & (200 | 201 | 202 | 204)]
>;

type NumberOrString<T> = T extends undefined ? undefined : T extends number ? number : string;

type ParamIn<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamIn<Rest>
  : never;

type ContentOf<R> = R extends { content: infer C }
  ? { [T in keyof C]: C[T] extends { schema: infer S extends z.ZodType } ? z.output<S> : never }[keyof C]
  : undefined;
