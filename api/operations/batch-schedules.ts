/** Schedules: batches that run repeatedly. */
import { createRoute, z } from '@hono/zod-openapi';
import { BatchSchedule, BatchScheduleList, ScheduleCreate } from '../../schema/batch-schedule.ts';
import { ScheduleId } from '../../schema/ids.ts';
import { idempotencyHeader, jsonBody, problems } from '../app/index.ts';
import { BATCH_ERRORS } from './batch-errors.ts';

const Params = z.object({ id: ScheduleId.meta({ description: 'The ID of the schedule.' }) });
const content = { 'application/json': { schema: BatchSchedule } };

/** The maximum number of schedules in a list. */
export const MAX_LISTED_SCHEDULES = 100;

export const createSchedule = createRoute({
  method: 'post',
  path: '/v1/batch-schedules',
  operationId: 'createSchedule',
  summary: 'Create a schedule',
  description:
    'Takes the members of `POST /v1/batches` and a `cron` expression or an interval. All lines are validated now; one invalid line rejects the ' +
    'schedule. While a batch of the schedule is running, the next one is skipped.',
  tags: ['Batches'],
  middleware: [jsonBody] as const,
  request: {
    headers: idempotencyHeader('nightly'),
    body: { required: true, content: { 'application/json': { schema: ScheduleCreate } } },
  },
  responses: {
    200: { description: 'The schedule.', content },
    ...problems(...BATCH_ERRORS, 'not_supported'),
  },
});

export const listSchedules = createRoute({
  method: 'get',
  path: '/v1/batch-schedules',
  operationId: 'listSchedules',
  summary: 'List schedules',
  description: `Returns up to ${MAX_LISTED_SCHEDULES} schedules. A schedule may take a moment to appear in the list.`,
  tags: ['Batches'],
  responses: {
    200: { description: 'The schedules.', content: { 'application/json': { schema: BatchScheduleList } } },
    ...problems('unavailable', 'not_supported'),
  },
});

export const getSchedule = createRoute({
  method: 'get',
  path: '/v1/batch-schedules/{id}',
  operationId: 'getSchedule',
  summary: 'Retrieve a schedule',
  tags: ['Batches'],
  request: { params: Params },
  responses: {
    200: { description: 'The schedule.', content },
    ...problems('not_found', 'unavailable', 'not_supported'),
  },
});

export const deleteSchedule = createRoute({
  method: 'delete',
  path: '/v1/batch-schedules/{id}',
  operationId: 'deleteSchedule',
  summary: 'Delete a schedule',
  description: 'Batches that the schedule has started continue.',
  tags: ['Batches'],
  request: { params: Params },
  responses: {
    204: { description: 'The schedule was deleted.' },
    ...problems('not_found', 'unavailable', 'not_supported'),
  },
});

function scheduleAction<V extends 'pause' | 'resume' | 'trigger'>(
  verb: V,
  summary: string,
  description: string,
) {
  return createRoute({
    method: 'post',
    path: `/v1/batch-schedules/{id}/${verb}` as const,
    operationId: `${verb}Schedule`,
    summary,
    description,
    tags: ['Batches'],
    request: { params: Params },
    responses: {
      200: { description: 'The schedule.', content },
      ...problems(
        'not_found',
        ...(verb === 'trigger' ? (['quota_exceeded'] as const) : []),
        'unavailable',
        'not_supported',
      ),
    },
  });
}

export const pauseSchedule = scheduleAction(
  'pause',
  'Pause a schedule',
  'The schedule starts no batch until it is resumed.',
);
export const resumeSchedule = scheduleAction(
  'resume',
  'Resume a schedule',
  'Batches that were due while the schedule was paused are not started.',
);
export const triggerSchedule = scheduleAction(
  'trigger',
  'Run a schedule now',
  'Starts a batch of the schedule now, paused or not, unless one is running.',
);
