/**
 * Metrics of a worker, exported by the Temporal runtime (hence not core/prometheus.ts), and one log line per
 * activity. Names: docs/deploy.md.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Context } from '@temporalio/activity';
import type { MetricMeter } from '@temporalio/common';
import type { ActivityInterceptors, Logger } from '@temporalio/worker';
import { readProcessMetrics } from '../../core/process-metrics.ts';
import type { Generator } from '../../phi3v/index.ts';
import { segmentFields } from './segment-fields.ts';

/** How often the busy time of running activities is counted. */
const UPDATE_INTERVAL_MS = 1000;

export interface WorkerMetrics extends Disposable {
  /** Interceptor that counts and logs the activities of a worker. */
  readonly countActivities: (context: Context) => ActivityInterceptors;
  /** Returns the same generator, with its generations counted. */
  readonly countGenerations: (generator: Generator) => Generator;
  /** Counts a restart of the model host. */
  readonly countHostRestart: () => void;
}

/** Times are counted in milliseconds, since Temporal's counters only take integers. */
export function createWorkerMetrics(meter: MetricMeter, logger: Logger): WorkerMetrics {
  const ended = meter.createCounter('frameloom_activities', '', 'Activity attempts, by outcome.');
  const busy = meter.createCounter(
    'frameloom_activity_busy_milliseconds',
    '',
    'Time in which activities ran, in milliseconds, counted while they run.',
  );
  const segments = meter.createCounter(
    'frameloom_segments',
    '',
    'Described segments; cached ones were found in the store.',
  );
  const restarts = meter.createCounter('frameloom_model_host_restarts', '', 'Restarts of the model host.');
  restarts.add(0);
  const stopProcess = recordProcessMetrics(meter);

  /** Activities that run; their time is counted up to `counted`. */
  const running = new Set<{ readonly activity: string; counted: number }>();
  const count = (run: { readonly activity: string; counted: number }, now: number): void => {
    const milliseconds = Math.floor(now - run.counted);
    run.counted += milliseconds;
    busy.add(milliseconds, { activity: run.activity });
  };
  const timer = setInterval(() => {
    const now = performance.now();
    for (const run of running) count(run, now);
  }, UPDATE_INTERVAL_MS);
  timer.unref();

  return {
    countActivities: ({ info }) => ({
      inbound: {
        async execute(input, next) {
          const began = performance.now();
          const activity = info.activityType;
          const run = { activity, counted: began };
          running.add(run);
          let outcome: 'completed' | 'failed' | 'cancelled' = 'failed';
          let output: unknown;
          let failure: unknown;
          try {
            output = await next(input);
            outcome = 'completed';
            return output;
          } catch (error) {
            failure = error;
            if (error instanceof Error && /^(CancelledFailure|AbortError)$/.test(error.name))
              outcome = 'cancelled';
            throw error;
          } finally {
            const now = performance.now();
            running.delete(run);
            count(run, now);
            ended.add(1, { activity, outcome });
            if (activity === 'describeSegment' && outcome === 'completed') {
              segments.add(1, { cached: fieldOf(output, 'cached') === true });
            }
            logger[outcome === 'failed' ? 'warn' : 'info'](`activity ${outcome}`, {
              job: info.workflowExecution?.workflowId,
              activity,
              activityId: info.activityId,
              attempt: info.attempt,
              ...segmentFields(activity, input.args[0]),
              generation: fieldOf(output, 'generation'),
              seconds: Math.round(now - began) / 1000,
              code: fieldOf(failure, 'type'),
            });
          }
        },
      },
    }),
    countGenerations: (generator) => withCountedGenerations(meter, generator),
    countHostRestart: () => restarts.add(1),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      stopProcess();
    },
  };
}

function withCountedGenerations(meter: MetricMeter, generator: Generator): Generator {
  const generations = meter.createCounter('frameloom_generations', '', 'Generations, by finish reason.');
  const tokens = meter.createCounter('frameloom_tokens', '', 'Tokens of prompts and of output.');
  const images = meter.createCounter('frameloom_images_encoded', '', 'Images encoded by the vision graph.');
  const model = meter.createCounter(
    'frameloom_model_busy_milliseconds',
    '',
    'Time in which the model computed, in milliseconds.',
  );
  return {
    get info() {
      return generator.info;
    },
    generate: async (request, options) => {
      const generation = await generator.generate(request, options);
      generations.add(1, { finish_reason: generation.finishReason });
      tokens.add(generation.promptTokens, { kind: 'prompt' });
      tokens.add(generation.outputTokens, { kind: 'output' });
      images.add(generation.visionCalls);
      model.add(Math.round(generation.modelSeconds * 1000));
      return generation;
    },
    [Symbol.asyncDispose]: () => generator[Symbol.asyncDispose](),
  };
}

/** Updates the metrics of the process, under the same names as the API. Returns a function that stops it. */
function recordProcessMetrics(meter: MetricMeter): () => void {
  const gauge = (name: string, help: string) =>
    meter.createGauge(`frameloom_process_${name}`, 'float', '', help);
  const memory = gauge('resident_memory_bytes', 'Resident memory of the process, without the model host.');
  const heap = gauge('heap_used_bytes', 'Memory used by JavaScript objects.');
  const cpu = gauge('cpu_seconds', 'CPU time since the start of the process.');
  const delay = gauge(
    'event_loop_delay_seconds',
    'Delay of the event loop: 99th percentile of the last interval.',
  );
  gauge('start_time_seconds', 'Start time of the process, in seconds since 1970.').set(
    readProcessMetrics().start_time_seconds,
  );
  const histogram = monitorEventLoopDelay({ resolution: 20 });
  histogram.enable();
  const update = (): void => {
    const now = readProcessMetrics();
    memory.set(now.resident_memory_bytes);
    heap.set(now.heap_used_bytes);
    cpu.set(now.cpu_seconds);
    // The measured delay includes the resolution of the histogram, 20 ms.
    delay.set(Math.max(0, histogram.percentile(99) / 1e9 - 0.02));
    histogram.reset();
  };
  update();
  const timer = setInterval(update, 5 * UPDATE_INTERVAL_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    histogram.disable();
  };
}

/** A member of a value of unknown type. */
function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Record<string, unknown>)[name] // checked by `in`
    : undefined;
}
