/** Counters in Prometheus' text format (version 0.0.4). */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { QueueFigures } from '../../temporal/orchestrator.ts';
import type { Clock } from './deps.ts';
import type { ApiEnv } from './env.ts';

export interface Metrics {
  /** Counts every request by method, route pattern and status. */
  readonly count: MiddlewareHandler<ApiEnv>;
  /** All figures as text; `figures` are those of the process, by name without prefix. */
  render(figures: Readonly<Record<string, number>>, queues: readonly QueueFigures[]): string;
}

export function createMetrics(clock: Clock): Metrics {
  const requests = new Map<string, { count: number; seconds: number }>();
  return {
    async count(c, next) {
      const start = clock.now();
      await next();
      // The pattern, not the path: ids would make a series each.
      const labels = `method="${methodOf(c.req.method)}",route="${routePath(c, -1)}",status="${c.res.status}"`;
      const entry = requests.get(labels) ?? { count: 0, seconds: 0 };
      entry.count += 1;
      entry.seconds += (clock.now() - start) / 1000;
      requests.set(labels, entry);
    },

    render(figures, queues) {
      const lines = [
        '# HELP frameloom_http_requests_total Requests answered.',
        '# TYPE frameloom_http_requests_total counter',
        ...[...requests].map(([labels, { count }]) => `frameloom_http_requests_total{${labels}} ${count}`),
        '# HELP frameloom_http_request_seconds_total Time until the answer began, in seconds.',
        '# TYPE frameloom_http_request_seconds_total counter',
        ...[...requests].map(
          ([labels, { seconds }]) => `frameloom_http_request_seconds_total{${labels}} ${seconds}`,
        ),
        '# HELP frameloom_queue_backlog Tasks that wait for a worker.',
        '# TYPE frameloom_queue_backlog gauge',
        ...queues.map(({ queue, waiting }) => `frameloom_queue_backlog{queue="${queue}"} ${waiting}`),
        '# HELP frameloom_queue_backlog_age_seconds How long the oldest of them has waited.',
        '# TYPE frameloom_queue_backlog_age_seconds gauge',
        ...queues.map(
          ({ queue, oldestSeconds }) =>
            `frameloom_queue_backlog_age_seconds{queue="${queue}"} ${oldestSeconds}`,
        ),
        ...Object.entries(figures).flatMap(([name, value]) => [
          `# TYPE frameloom_process_${name} gauge`,
          `frameloom_process_${name} ${value}`,
        ]),
      ];
      return `${lines.join('\n')}\n`;
    },
  };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']);

/** Keeps made-up methods from making a series each. */
function methodOf(method: string): string {
  return METHODS.has(method) ? method : 'other';
}
