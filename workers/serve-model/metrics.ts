/** Figures of `frameloom serve-model` for Prometheus, under the names that GPU workers and the API have for theirs (docs/deploy.md). */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Generator } from '../../phi3v/index.ts';

export interface ModelServerMetrics {
  /** Counts requests by method, route pattern and status. */
  readonly countRequests: MiddlewareHandler;
  /** The same generator, with its answers counted. */
  countGenerations(generator: Generator): Generator;
  /** All figures in Prometheus' text format; `now` are those that are not counted here. */
  render(now: { readonly running: number; readonly restarts: number }): string;
}

const COUNTERS = {
  frameloom_http_requests_total: 'Requests answered.',
  frameloom_answers_total: 'Answers of the model, by why they ended.',
  frameloom_tokens_total: 'Tokens of prompts and of answers.',
  frameloom_pictures_total: 'Pictures that the vision graph was run for.',
  frameloom_model_busy_milliseconds_total: 'Time of the model, shared by its answers.',
} as const;
type Counter = keyof typeof COUNTERS;

export function createModelServerMetrics(): ModelServerMetrics {
  const values = new Map<Counter, Map<string, number>>();
  function add(name: Counter, by: number, labels = ''): void {
    const series = values.get(name) ?? new Map<string, number>();
    series.set(labels, (series.get(labels) ?? 0) + by);
    values.set(name, series);
  }
  add('frameloom_pictures_total', 0);
  add('frameloom_model_busy_milliseconds_total', 0);

  return {
    async countRequests(c, next) {
      await next();
      const method = /^(GET|HEAD|POST)$/.test(c.req.method) ? c.req.method : 'other';
      const labels = `{method="${method}",route="${routePath(c, -1)}",status="${c.res.status}"}`;
      add('frameloom_http_requests_total', 1, labels);
    },

    countGenerations: (generator) => ({
      get info() {
        return generator.info;
      },
      async generate(request, options) {
        const made = await generator.generate(request, options);
        add('frameloom_answers_total', 1, `{reason="${made.finishReason}"}`);
        add('frameloom_tokens_total', made.promptTokens, '{kind="prompt"}');
        add('frameloom_tokens_total', made.outputTokens, '{kind="output"}');
        add('frameloom_pictures_total', made.visionCalls);
        add('frameloom_model_busy_milliseconds_total', Math.round(made.modelSeconds * 1000));
        return made;
      },
      [Symbol.asyncDispose]: () => generator[Symbol.asyncDispose](),
    }),

    render({ running, restarts }) {
      const counters = [...values].flatMap(([name, series]) => [
        `# HELP ${name} ${COUNTERS[name]}`,
        `# TYPE ${name} counter`,
        ...[...series].map(([labels, value]) => `${name}${labels} ${value}`),
      ]);
      const { rss, heapUsed } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      const gauges = {
        frameloom_model_requests: running,
        frameloom_process_start_time_seconds: Math.round(performance.timeOrigin / 1000),
        frameloom_process_resident_memory_bytes: rss,
        frameloom_process_heap_used_bytes: heapUsed,
        frameloom_process_cpu_seconds: (user + system) / 1e6,
      };
      return [
        ...counters,
        '# TYPE frameloom_model_host_restarts_total counter',
        `frameloom_model_host_restarts_total ${restarts}`,
        ...Object.entries(gauges).flatMap(([name, value]) => [`# TYPE ${name} gauge`, `${name} ${value}`]),
        '',
      ].join('\n');
    },
  };
}
