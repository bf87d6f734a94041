/** Summaries: start, read, list, cancel, retry and delete jobs. */
import { createRoute, z } from '@hono/zod-openapi';
import { JobId } from '../../schema/ids.ts';
import { Job, JobList, JobStatus } from '../../schema/job.ts';
import { SummaryRequest } from '../../schema/request.ts';
import { idempotencyHeader, integerParam, jsonBody, problems } from '../app/index.ts';

export const JobParams = z.object({ id: JobId.meta({ description: 'The ID of the job.' }) });

const content = { 'application/json': { schema: Job } };

export const createSummary = createRoute({
  method: 'post',
  path: '/v1/summaries',
  operationId: 'createSummary',
  summary: 'Create a summary',
  description:
    'Starts a job that summarizes one source. Requests with the same `Idempotency-Key` are one job; without a key, ' +
    'requests with the same content are one job. A repeated request returns the existing job. Without a key, a job that ' +
    'failed or was cancelled runs again. Servers with job quotas omit `progress.queue_position` here; ' +
    '`GET /v1/summaries/{id}` and the events include it.',
  tags: ['Summaries'],
  middleware: [jsonBody] as const,
  request: {
    headers: idempotencyHeader('talk-17'),
    query: z.object({
      wait: integerParam(0, 60, 'Seconds to wait for the job to end before the response is sent.').optional(),
    }),
    body: {
      required: true,
      content: {
        'application/json': {
          schema: SummaryRequest,
          examples: {
            video: { value: { source: { type: 'video', url: 'https://example.com/talk.mp4' } } },
            deck: {
              value: {
                source: { type: 'deck', file_id: 'file_aaaaaaaaaaaaaaaaaaaaaaaaaa' },
                prompt: 'What was decided?',
                pages: '1-20',
              },
            },
          },
        },
      },
    },
  },
  responses: {
    200: { description: 'The job, which has ended.', content },
    202: { description: 'The job, which is queued or running.', content },
    ...problems(
      'invalid_request',
      'idempotency_conflict',
      'payload_too_large',
      'request_timeout',
      'unsupported_content_type',
      'source_missing',
      'quota_exceeded',
      'unavailable',
    ),
  },
});

const UNIX_SECONDS = /^\d{1,11}$/;

const Time = z
  .string()
  .max(64)
  .refine((text) => UNIX_SECONDS.test(text) || z.iso.datetime({ offset: true }).safeParse(text).success, {
    error: 'must be a time such as 2026-11-01T00:00:00Z, or Unix seconds',
  });

/** Returns the time of a query parameter, in milliseconds. */
export function parseTime(text: string): number {
  return UNIX_SECONDS.test(text) ? Number(text) * 1000 : Date.parse(text);
}

export const listSummaries = createRoute({
  method: 'get',
  path: '/v1/summaries',
  operationId: 'listSummaries',
  summary: 'List summaries',
  description:
    'Returns jobs without their results, by their creation, newest first. A retry creates a job anew. A job may take a ' +
    'moment to appear in the list. With filters, a page may have fewer jobs than `limit`, although it is not the last.',
  tags: ['Summaries'],
  request: {
    query: z.object({
      status: JobStatus.exclude(['cancelling']).optional().meta({
        description: 'Only jobs with this status. Jobs that are being cancelled are `processing` here.',
      }),
      type: z
        .enum(['video', 'deck', 'images'])
        .optional()
        .meta({ description: 'Only jobs with this source.' }),
      custom_id: z
        .string()
        .min(1)
        .max(128)
        .optional()
        .meta({ description: 'Only jobs with this `custom_id`.' }),
      created_after: Time.optional().meta({
        description: 'Only jobs created after this time: RFC 3339, or Unix seconds.',
        example: '2026-11-01T00:00:00Z',
      }),
      created_before: Time.optional().meta({
        description: 'Only jobs created before this time: RFC 3339, or Unix seconds.',
      }),
      limit: integerParam(1, 100, 'The maximum number of jobs per page. The default is 20.').optional(),
      cursor: z
        .string()
        .max(4096)
        .optional()
        .meta({ description: 'The `next_cursor` of the previous page.' }),
    }),
  },
  responses: {
    200: { description: 'A page of jobs.', content: { 'application/json': { schema: JobList } } },
    ...problems('invalid_request', 'unavailable'),
  },
});

export const getSummary = createRoute({
  method: 'get',
  path: '/v1/summaries/{id}',
  operationId: 'getSummary',
  summary: 'Retrieve a summary',
  description: 'Returns the job, with its result once there is one.',
  tags: ['Summaries'],
  request: { params: JobParams },
  responses: {
    200: { description: 'The job.', content },
    ...problems('not_found', 'unavailable', 'storage_unavailable'),
  },
});

export const cancelSummary = createRoute({
  method: 'post',
  path: '/v1/summaries/{id}/cancel',
  operationId: 'cancelSummary',
  summary: 'Cancel a summary',
  description: 'Stops a running job, within one token of the model. A job that has ended does not change.',
  tags: ['Summaries'],
  request: { params: JobParams },
  responses: {
    200: { description: 'The job, which had already ended.', content },
    202: { description: 'The job, which is being cancelled.', content },
    ...problems('not_found', 'unavailable'),
  },
});

export const retrySummary = createRoute({
  method: 'post',
  path: '/v1/summaries/{id}/retry',
  operationId: 'retrySummary',
  summary: 'Retry a summary',
  description:
    'Runs a job again that has gaps, failed, or was cancelled. The job keeps its ID, and work that is already done is ' +
    'reused, so you pay only for the missing work. Its events start over. Its result stays until the retry has a ' +
    'new one. A second request while the retry runs has no effect.',
  tags: ['Summaries'],
  request: { params: JobParams },
  responses: {
    202: { description: 'The job, which is queued or running again.', content },
    ...problems(
      'not_found',
      'job_running',
      'nothing_to_retry',
      'quota_exceeded',
      'unavailable',
      'storage_unavailable',
    ),
  },
});

export const deleteSummary = createRoute({
  method: 'delete',
  path: '/v1/summaries/{id}',
  operationId: 'deleteSummary',
  summary: 'Delete a summary',
  description:
    'Deletes the job with all its content: request, source, frames, captions, events and result. What another job or ' +
    'file of yours needs stays. A job that runs is cancelled first. If the request fails, send it again. Uploaded ' +
    'files are deleted separately. What the job has used remains in the usage.',
  tags: ['Summaries'],
  request: { params: JobParams },
  responses: {
    204: { description: 'The job was deleted.' },
    ...problems('not_found', 'unavailable', 'storage_unavailable'),
  },
});
