/** Batches: many summaries from one file of JSON lines, compatible with the Batch API of OpenAI. */
import { createRoute, z } from '@hono/zod-openapi';
import { Batch, BatchChange, BatchCreate, BatchList } from '../../schema/batch.ts';
import { BatchId } from '../../schema/ids.ts';
import { idempotencyHeader, integerParam, jsonBody, problems } from '../app/index.ts';
import { BATCH_ERRORS } from './batch-errors.ts';

const Params = z.object({ id: BatchId.meta({ description: 'The ID of the batch.' }) });
const content = { 'application/json': { schema: Batch } };

export const createBatch = createRoute({
  method: 'post',
  path: '/v1/batches',
  operationId: 'createBatch',
  summary: 'Create a batch',
  description:
    'Checks every line, then runs one job per valid line. Invalid lines are reported in the error file; with ' +
    '`fail_fast`, one invalid line rejects the whole batch. Requests with the same `Idempotency-Key` are one batch, ' +
    'also if the same file was uploaded again.',
  tags: ['Batches'],
  middleware: [jsonBody] as const,
  request: {
    headers: idempotencyHeader('archive-2026-11'),
    body: { required: true, content: { 'application/json': { schema: BatchCreate } } },
  },
  responses: {
    200: { description: 'The batch.', content },
    ...problems(...BATCH_ERRORS),
  },
});

export const listBatches = createRoute({
  method: 'get',
  path: '/v1/batches',
  operationId: 'listBatches',
  summary: 'List batches',
  description: 'Returns batches, newest first. A batch may take a moment to appear in the list.',
  tags: ['Batches'],
  request: {
    query: z.object({
      limit: integerParam(1, 100, 'The maximum number of batches per page. The default is 20.').optional(),
      after: BatchId.optional().meta({ description: 'The `last_id` of the previous page.' }),
    }),
  },
  responses: {
    200: { description: 'A page of batches.', content: { 'application/json': { schema: BatchList } } },
    ...problems('invalid_request', 'not_found', 'unavailable'),
  },
});

export const getBatch = createRoute({
  method: 'get',
  path: '/v1/batches/{id}',
  operationId: 'getBatch',
  summary: 'Retrieve a batch',
  tags: ['Batches'],
  request: { params: Params },
  responses: { 200: { description: 'The batch.', content }, ...problems('not_found', 'unavailable') },
});

export const updateBatch = createRoute({
  method: 'patch',
  path: '/v1/batches/{id}',
  operationId: 'updateBatch',
  summary: 'Update a batch',
  description: 'Changes how many jobs of the batch run at the same time.',
  tags: ['Batches'],
  middleware: [jsonBody] as const,
  request: {
    params: Params,
    body: { required: true, content: { 'application/json': { schema: BatchChange } } },
  },
  responses: {
    200: { description: 'The batch.', content },
    ...problems(
      'invalid_request',
      'payload_too_large',
      'request_timeout',
      'unsupported_content_type',
      'not_found',
      'batch_state',
      'unavailable',
    ),
  },
});

export const getBatchResults = createRoute({
  method: 'get',
  path: '/v1/batches/{id}/results',
  operationId: 'getBatchResults',
  summary: 'Download the results of a batch',
  description:
    'Returns output and error lines in the order of the input. While the batch runs, only finished lines are ' +
    'included. Once it has ended, there is exactly one line for each line of the input.',
  tags: ['Batches'],
  request: { params: Params },
  responses: {
    200: {
      description: 'One JSON object per line.',
      content: { 'application/jsonl': { schema: z.string() } },
    },
    ...problems('not_found', 'unavailable', 'storage_unavailable'),
  },
});

function batchAction<V extends 'cancel' | 'pause' | 'resume' | 'retry'>(
  verb: V,
  summary: string,
  description: string,
) {
  return createRoute({
    method: 'post',
    path: `/v1/batches/{id}/${verb}` as const,
    operationId: `${verb}Batch`,
    summary,
    description,
    tags: ['Batches'],
    request: { params: Params },
    responses: {
      200: { description: 'The batch.', content },
      ...problems('not_found', 'batch_state', 'unavailable'),
    },
  });
}

export const cancelBatch = batchAction(
  'cancel',
  'Cancel a batch',
  'Cancels running jobs and starts no more. Finished lines stay in the output file. A batch that has ended does not change.',
);
export const pauseBatch = batchAction(
  'pause',
  'Pause a batch',
  'Starts no more jobs. Running jobs continue to their end.',
);
export const resumeBatch = batchAction('resume', 'Resume a batch', 'Continues a paused batch.');
export const retryBatch = batchAction(
  'retry',
  'Retry a batch',
  'Runs the lines of an ended batch again that failed, expired or were cancelled. Lines with a result and invalid ' +
    'lines are not run. The completion window starts over.',
);
