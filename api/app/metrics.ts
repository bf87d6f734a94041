/** Metrics of the API for Prometheus. */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { createMetricRegistry, type Gauge } from '../../core/prometheus.ts';
import type { QueueStats } from '../../temporal/orchestrator.ts';
import type { Clock } from './deps.ts';
import type { ApiEnv } from './env.ts';

export interface Metrics {
  /** Counts every request by method, route pattern and status. */
  readonly count: MiddlewareHandler<ApiEnv>;
  /** Returns all metrics as text. `processMetrics` has the metrics of the process, by name without prefix. */
  render(processMetrics: Readonly<Record<string, number>>, queues: readonly QueueStats[]): string;
}

export function createMetrics(clock: Clock): Metrics {
  const registry = createMetricRegistry();
  const requests = registry.counter('frameloom_http_requests_total', 'HTTP requests.');
  const seconds = registry.counter(
    'frameloom_http_request_seconds_total',
    'Time until the response started, in seconds.',
  );
  const backlog = registry.gauge('frameloom_queue_backlog', 'Tasks waiting for a worker.');
  const backlogAge = registry.gauge(
    'frameloom_queue_backlog_age_seconds',
    'Age of the oldest waiting task, in seconds.',
  );
  const processGauges = new Map<string, Gauge>();

  function processGauge(name: string): Gauge {
    const gauge = processGauges.get(name) ?? registry.gauge(`frameloom_process_${name}`);
    processGauges.set(name, gauge);
    return gauge;
  }

  return {
    async count(c, next) {
      const start = clock.now();
      await next();
      // The route pattern, not the path: with the path, each id would create a time series.
      const labels = { method: methodOf(c.req.method), route: routePath(c, -1), status: c.res.status };
      requests.add(1, labels);
      seconds.add((clock.now() - start) / 1000, labels);
    },

    render(processMetrics, queues) {
      backlog.clear();
      backlogAge.clear();
      for (const { queue, waiting, oldestSeconds } of queues) {
        backlog.set(waiting, { queue });
        backlogAge.set(oldestSeconds, { queue });
      }
      for (const [name, value] of Object.entries(processMetrics)) processGauge(name).set(value);
      return registry.render();
    },
  };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']);

/** Any other method is counted as `other`, so clients cannot create time series. */
function methodOf(method: string): string {
  return METHODS.has(method) ? method : 'other';
}
