/** Probes, metrics, the OpenAPI document and its reference page. None of these needs a key. */
import { FrameloomError } from '../../core/errors.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../../core/prometheus.ts';
import { type Api, type ApiDeps, type Metrics, PAGE_POLICY } from '../app/index.ts';
import { openApiDocument, REFERENCE_STYLE, referencePage } from '../docs/index.ts';

/** How long the orchestrator and the store may take to respond to a readiness probe. */
const READY_TIMEOUT_MS = 2000;

export function metaRoutes(app: Api, deps: ApiDeps, metrics: Metrics): void {
  const { orchestrator, store, clock, version, processMetrics, queueStats, servesMetrics = true } = deps;

  app.get('/healthz', (c) => c.json({ status: 'alive' }));

  app.get('/readyz', async (c) => {
    const late = new AbortController();
    const [orchestratorReady, storeReady] = await Promise.all(
      [orchestrator.ready(), storeAnswers()].map((answer) =>
        Promise.race([answer, clock.sleep(READY_TIMEOUT_MS, late.signal).then(() => false)]),
      ),
    );
    late.abort();
    if (!orchestratorReady) throw new FrameloomError('unavailable', 'The orchestrator does not respond.');
    if (!storeReady) throw new FrameloomError('unavailable', 'The artifact store does not respond.');
    return c.json({ status: 'ready' });
  });

  if (servesMetrics) {
    app.get('/metrics', async (c) => {
      const queues = (await queueStats?.()) ?? [];
      const text = metrics.render(processMetrics?.() ?? {}, queues);
      return c.body(text, 200, { 'Content-Type': PROMETHEUS_CONTENT_TYPE });
    });
  }

  app.get('/openapi.json', (c) => c.json(openApiDocument(app, version)));

  app.get('/docs', (c) => {
    c.header('Content-Security-Policy', PAGE_POLICY);
    return c.html(referencePage(openApiDocument(app, version)));
  });

  app.get('/docs/style.css', (c) =>
    c.body(REFERENCE_STYLE, 200, { 'Content-Type': 'text/css; charset=utf-8' }),
  );

  function storeAnswers(): Promise<boolean> {
    return store.head('probe/ready').then(
      () => true,
      () => false,
    );
  }
}
