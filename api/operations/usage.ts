/** Usage: what the jobs of a tenant have cost. */
import { createRoute, z } from '@hono/zod-openapi';
import { TenantUsage } from '../../schema/usage.ts';
import { integerParam, problems } from '../app/index.ts';

/** The end of the year 9999, in Unix seconds. */
const LATEST_TIME_S = 253_402_300_799;

export const getUsage = createRoute({
  method: 'get',
  path: '/v1/usage',
  operationId: 'getUsage',
  summary: 'Retrieve usage',
  description:
    'Returns the total over all runs of jobs of this API key that started in the given period, including lines of ' +
    'batches and jobs that failed or are not finished. Deleted and expired jobs are not included. The total may lag ' +
    'behind by a moment.',
  tags: ['Usage'],
  request: {
    query: z.object({
      start_time: integerParam(
        0,
        LATEST_TIME_S,
        'Start of the period in Unix seconds. The default is the start of this month in UTC.',
      ).optional(),
      end_time: integerParam(
        0,
        LATEST_TIME_S,
        'End of the period in Unix seconds. The default is now.',
      ).optional(),
    }),
  },
  responses: {
    200: {
      description: 'The totals.',
      content: { 'application/json': { schema: TenantUsage } },
    },
    ...problems('invalid_request', 'unavailable'),
  },
});
