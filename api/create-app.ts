/** The HTTP API as one app of web standards: no import of one platform's, so that each entry only adapts `fetch`. */
import { OpenAPIHono } from '@hono/zod-openapi';
import {
  type Api,
  type ApiDeps,
  type ApiEnv,
  answerHeaders,
  authenticate,
  createMetrics,
  createQuotaGuard,
  errorHandler,
  fallback,
  guard,
  throttled,
  traceRequests,
  validationHook,
} from './app/index.ts';
import { registerSecurity } from './docs/index.ts';
import {
  batchRoutes,
  batchScheduleRoutes,
  estimateRoutes,
  eventRoutes,
  fileRoutes,
  frameRoutes,
  metaRoutes,
  summaryRoutes,
  uploadRoutes,
  usageRoutes,
} from './routes/index.ts';

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
