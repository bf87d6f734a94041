/** The HTTP API as one app of web standards: no import of one platform's, so that each entry only adapts `fetch`. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { authenticate } from './auth.ts';
import type { Api, ApiDeps, ApiEnv } from './deps.ts';
import { fallback } from './fallback.ts';
import { answerHeaders, guard } from './limits.ts';
import { createMetrics } from './metrics.ts';
import { registerSecurity } from './openapi.ts';
import { errorHandler, validationHook } from './problems.ts';
import { createQuotaGuard } from './quotas.ts';
import { batchScheduleRoutes } from './routes/batch-schedules.ts';
import { batchRoutes } from './routes/batches.ts';
import { estimateRoutes } from './routes/estimates.ts';
import { eventRoutes } from './routes/events.ts';
import { fileRoutes } from './routes/files.ts';
import { frameRoutes } from './routes/frames.ts';
import { metaRoutes } from './routes/meta.ts';
import { summaryRoutes } from './routes/summaries.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { usageRoutes } from './routes/usage.ts';
import { throttled } from './throttle.ts';
import { traceRequests } from './trace.ts';

/** Builds the app. Serve it with `app.fetch`; tests ask it with `app.request`. */
export function createApp(deps: ApiDeps): Api {
  const app = new OpenAPIHono<ApiEnv>({ defaultHook: validationHook });
  const metrics = createMetrics(deps.clock);
  app.onError(errorHandler(deps.log));
  app.notFound(fallback(app, deps.assets));
  if (deps.tracer) app.use(traceRequests(deps.tracer));
  app.use(answerHeaders(), metrics.count, guard());
  app.use('/v1/*', authenticate(deps.keys, deps.gatewayTokens));
  if (deps.throttle) app.use('/v1/*', throttled(deps.throttle));
  const quotas = createQuotaGuard(deps);
  app.use('/v1/*', quotas.requests);
  registerSecurity(app);
  summaryRoutes(app, deps, quotas);
  eventRoutes(app, deps);
  frameRoutes(app, deps);
  fileRoutes(app, deps);
  uploadRoutes(app, deps);
  batchRoutes(app, deps, quotas);
  estimateRoutes(app, deps);
  usageRoutes(app, deps);
  batchScheduleRoutes(app, deps, quotas);
  metaRoutes(app, deps, metrics);
  return app;
}
