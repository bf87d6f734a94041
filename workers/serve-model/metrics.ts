/**
 * Metrics of `frameloom serve-model` for Prometheus, under the names that GPU workers and the API use
 * (docs/deploy.md).
 */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { readProcessMetrics } from '../../core/process-metrics.ts';
import { createMetricRegistry } from '../../core/prometheus.ts';
import type { Generator } from '../../phi3v/index.ts';

export interface ModelServerMetrics {
  /** Counts requests by method, route pattern and status. */
  readonly countRequests: MiddlewareHandler;
  /** The same generator, with its generations counted. */
  countGenerations(generator: Generator): Generator;
  /**
   * All metrics as text. `running` requests are in progress; `restarts` counts restarts of the model host.
   */
  render(now: { readonly running: number; readonly restarts: number }): string;
}

export function createModelServerMetrics(): ModelServerMetrics {
  const registry = createMetricRegistry();
  const requests = registry.counter('frameloom_http_requests_total', 'HTTP requests.');
  const generations = registry.counter('frameloom_generations_total', 'Generations, by finish reason.');
  const tokens = registry.counter('frameloom_tokens_total', 'Tokens of prompts and of output.');
  const images = registry.counter('frameloom_images_encoded_total', 'Images encoded by the vision graph.');
  const busy = registry.counter(
    'frameloom_model_busy_milliseconds_total',
    'Time in which the model computed, in milliseconds.',
  );
  const restarted = registry.counter('frameloom_model_host_restarts_total', 'Restarts of the model host.');
  const inProgress = registry.gauge('frameloom_model_requests', 'Requests in progress.');
  for (const counter of [images, busy, restarted]) counter.add(0);
  const processGauges = Object.keys(readProcessMetrics()).map(
    (name) => [name, registry.gauge(`frameloom_process_${name}`)] as const,
  );
  let countedRestarts = 0;

  return {
    async countRequests(c, next) {
      await next();
      const method = /^(GET|HEAD|POST)$/.test(c.req.method) ? c.req.method : 'other';
      requests.add(1, { method, route: routePath(c, -1), status: c.res.status });
    },

    countGenerations: (generator) => ({
      get info() {
        return generator.info;
      },
      async generate(request, options) {
        const generation = await generator.generate(request, options);
        generations.add(1, { finish_reason: generation.finishReason });
        tokens.add(generation.promptTokens, { kind: 'prompt' });
        tokens.add(generation.outputTokens, { kind: 'output' });
        images.add(generation.visionCalls);
        busy.add(Math.round(generation.modelSeconds * 1000));
        return generation;
      },
      [Symbol.asyncDispose]: () => generator[Symbol.asyncDispose](),
    }),

    render({ running, restarts }) {
      inProgress.set(running);
      restarted.add(restarts - countedRestarts);
      countedRestarts = restarts;
      const values: Readonly<Record<string, number>> = { ...readProcessMetrics() };
      for (const [name, gauge] of processGauges) gauge.set(values[name] ?? 0);
      return registry.render();
    },
  };
}
