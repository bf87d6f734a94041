/** What a tenant has spent. */
import { createRoute, z } from '@hono/zod-openapi';
import { FrameloomError } from '../../core/errors.ts';
import { TenantUsage, usageView } from '../../schema/usage.ts';
import { type Api, type ApiDeps, integerParam, problems } from '../app/index.ts';

/** Seconds of Unix, up to the year 9999. */
const LATEST = 253_402_300_799;

const get = createRoute({
  method: 'get',
  path: '/v1/usage',
  operationId: 'getUsage',
  summary: 'What was spent',
  description:
    'Over all runs of jobs of this API key that began in the time given, lines of batches, failed and unfinished ones included. ' +
    'Jobs that were deleted, or that the orchestrator has forgotten, are not counted any more. May lag behind by a moment.',
  tags: ['Usage'],
  request: {
    query: z.object({
      start_time: integerParam(
        0,
        LATEST,
        'Seconds of Unix; default: the begin of this month in UTC.',
      ).optional(),
      end_time: integerParam(0, LATEST, 'Seconds of Unix; default: now.').optional(),
    }),
  },
  responses: {
    200: {
      description: 'The totals.',
      content: { 'application/json': { schema: TenantUsage } },
    },
    ...problems('invalid_request', 'rate_limited', 'unavailable'),
  },
});

export function usageRoutes(app: Api, { orchestrator, clock }: ApiDeps): void {
  app.openapi(get, async (c) => {
    const now = new Date(clock.now());
    const month = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) / 1000;
    const { start_time = month, end_time = Math.floor(clock.now() / 1000) + 1 } = c.req.valid('query');
    if (start_time >= end_time)
      throw new FrameloomError('invalid_request', 'query.start_time: must be before end_time.');
    const { jobs, spending } = await orchestrator.spending({
      tenant: c.get('tenant'),
      from: new Date(start_time * 1000).toISOString(),
      until: new Date(end_time * 1000).toISOString(),
    });
    return c.json(
      {
        object: 'usage' as const,
        start_time,
        end_time,
        jobs,
        video_seconds: spending.videoSeconds,
        ...usageView(spending),
      },
      200,
    );
  });
}
