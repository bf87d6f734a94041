/** Usage: what the jobs of a tenant have cost. */
import { FrameloomError } from '../../core/errors.ts';
import { toUsage } from '../../schema/usage.ts';
import type { Api, ApiDeps } from '../app/index.ts';
import * as operations from '../operations/index.ts';

export function usageRoutes(app: Api, { orchestrator, clock }: ApiDeps): void {
  app.openapi(operations.getUsage, async (c) => {
    const now = new Date(clock.now());
    const month = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) / 1000;
    const { start_time = month, end_time = Math.floor(clock.now() / 1000) + 1 } = c.req.valid('query');
    if (start_time >= end_time)
      throw new FrameloomError('invalid_request', 'query.start_time: must be before end_time.');
    const { jobs, usage } = await orchestrator.tenantUsage({
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
        video_seconds: usage.videoSeconds,
        ...toUsage(usage),
      },
      200,
    );
  });
}
