/** The HTTP API as one app on web standards. The entry of each platform adapts its `fetch`. */
import { OpenAPIHono } from '@hono/zod-openapi';
import {
  type Api,
  type ApiDeps,
  type ApiEnv,
  authenticate,
  createMetrics,
  createQuotaGuard,
  errorHandler,
  logRequests,
  notFoundHandler,
  rateLimit,
  responseHeaders,
  traceRequests,
  validateRequest,
  validationHook,
} from './app/index.ts';
import { registerComponents } from './docs/index.ts';
import {
  batchRoutes,
  batchScheduleRoutes,
  estimateRoutes,
  eventRoutes,
  fileRoutes,
  frameRoutes,
  metaRoutes,
  modelRoutes,
  summaryRoutes,
  uploadRoutes,
  usageRoutes,
} from './routes/index.ts';

/** Creates the app. Serve it with `app.fetch`, or call it with `app.request` in tests. */
export function createApp(deps: ApiDeps): Api {
  const app = new OpenAPIHono<ApiEnv>({ defaultHook: validationHook });
  const metrics = createMetrics(deps.clock);
  app.onError(errorHandler(deps.log));
  app.notFound(notFoundHandler(app, deps.assets));
  app.use(logRequests(deps));
  if (deps.tracer) app.use(traceRequests(deps.tracer));
  app.use(responseHeaders(), metrics.count, validateRequest());
  app.use('/v1/*', authenticate({ ...deps, now: deps.clock.now }));
  if (deps.throttle) app.use('/v1/*', rateLimit(deps.throttle));
  const quotas = createQuotaGuard(deps);
  app.use('/v1/*', quotas.requests);
  registerComponents(app);
  summaryRoutes(app, deps, quotas);
  eventRoutes(app, deps);
  frameRoutes(app, deps);
  fileRoutes(app, deps);
  uploadRoutes(app, deps);
  batchRoutes(app, deps, quotas);
  estimateRoutes(app, deps);
  usageRoutes(app, deps);
  modelRoutes(app, deps);
  batchScheduleRoutes(app, deps, quotas);
  metaRoutes(app, deps, metrics);
  return app;
}
