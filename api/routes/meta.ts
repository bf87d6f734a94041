/** Probes, figures, the contract and its reference page. None of these needs a key. */
import { FrameloomError } from '../../core/errors.ts';
import { type Api, type ApiDeps, type Metrics, PAGE_POLICY } from '../app/index.ts';
import { openApiDocument, REFERENCE_STYLE, referencePage } from '../docs/index.ts';

/** Time the parts have to answer a readiness probe, in milliseconds. */
const READY_WITHIN = 2000;

export function metaRoutes(app: Api, deps: ApiDeps, metrics: Metrics): void {
  const { orchestrator, store, clock, version, processFigures, queueFigures, servesMetrics = true } = deps;

  app.get('/healthz', (c) => c.json({ status: 'alive' }));

  app.get('/readyz', async (c) => {
    const late = new AbortController();
    const [orchestratorReady, storeReady] = await Promise.all(
      [orchestrator.ready(), storeAnswers()].map((answer) =>
        Promise.race([answer, clock.sleep(READY_WITHIN, late.signal).then(() => false)]),
      ),
    );
    late.abort();
    if (!orchestratorReady) throw new FrameloomError('unavailable', 'The orchestrator does not answer.');
    if (!storeReady) throw new FrameloomError('unavailable', 'The artifact store does not answer.');
    return c.json({ status: 'ready' });
  });

  if (servesMetrics) {
    app.get('/metrics', async (c) => {
      const queues = (await queueFigures?.()) ?? [];
      const text = metrics.render(processFigures?.() ?? {}, queues);
      return c.body(text, 200, { 'Content-Type': 'text/plain; version=0.0.4' });
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
