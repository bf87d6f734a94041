/** Estimates: what a summary will cost, without running it. */
import { createRoute, z } from '@hono/zod-openapi';
import { Estimate } from '../../schema/estimate.ts';
import { EstimateId } from '../../schema/ids.ts';
import { SummaryRequest } from '../../schema/request.ts';
import { integerParam, jsonBody, problems } from '../app/index.ts';

const content = { 'application/json': { schema: Estimate } };

/** How long a request without `wait` waits for the estimate, in seconds. */
export const DEFAULT_ESTIMATE_WAIT_S = 30;

export const createEstimate = createRoute({
  method: 'post',
  path: '/v1/estimates',
  operationId: 'createEstimate',
  summary: 'Create an estimate',
  description:
    'Takes the body of `POST /v1/summaries`. The source is fetched and its frames are selected as for the job, which ' +
    'reuses them; the model is not run. For a video longer than two hours, only a sample of its sections is analyzed.',
  tags: ['Usage'],
  middleware: [jsonBody] as const,
  request: {
    query: z.object({
      wait: integerParam(
        0,
        60,
        `Seconds to wait for the estimate before the response is sent. The default is ${DEFAULT_ESTIMATE_WAIT_S}.`,
      ).optional(),
    }),
    body: { required: true, content: { 'application/json': { schema: SummaryRequest } } },
  },
  responses: {
    200: { description: 'The estimate, or the reason it failed.', content },
    202: { description: 'The estimate, which is pending.', content },
    ...problems(
      'invalid_request',
      'payload_too_large',
      'request_timeout',
      'unsupported_content_type',
      'source_missing',
      'unavailable',
    ),
  },
});

export const getEstimate = createRoute({
  method: 'get',
  path: '/v1/estimates/{id}',
  operationId: 'getEstimate',
  summary: 'Retrieve an estimate',
  tags: ['Usage'],
  request: { params: z.object({ id: EstimateId.meta({ description: 'The ID of the estimate.' }) }) },
  responses: {
    200: { description: 'The estimate.', content },
    ...problems('not_found', 'unavailable'),
  },
});
