/** Metrics of a worker, exported by the Temporal runtime (hence not core/prometheus.ts), and one log line per activity. Names: docs/deploy.md. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Context } from '@temporalio/activity';
import type { MetricMeter } from '@temporalio/common';
import type { ActivityInterceptors, Logger } from '@temporalio/worker';
import { readProcessMetrics } from '../../core/process-metrics.ts';
import type { Generator } from '../../phi3v/index.ts';
import { segmentFields } from './segment-fields.ts';

/** Milliseconds between two updates of what changes while nothing ends. */
const UPDATE_INTERVAL_MS = 1000;

export interface WorkerMetrics extends Disposable {
  /** Counts and logs the activities of a worker. */
  readonly countActivities: (context: Context) => ActivityInterceptors;
  /** The same generator, with its answers counted. */
  readonly countGenerations: (generator: Generator) => Generator;
  /** The model host was started anew. */
  readonly countHostRestart: () => void;
}

/** Temporal's counters count whole numbers: hence milliseconds. */
export function createWorkerMetrics(meter: MetricMeter, logger: Logger): WorkerMetrics {
  const ended = meter.createCounter('frameloom_activities', '', 'Activities that have ended.');
  const busy = meter.createCounter(
    'frameloom_activity_busy_milliseconds',
    '',
    'Time that activities have run, counted while they run.',
  );
  const segments = meter.createCounter('frameloom_segments', '', 'Segments described, or found described.');
  const restarts = meter.createCounter('frameloom_model_host_restarts', '', 'Starts of another model host.');
  restarts.add(0);
  const stopProcess = recordProcessMetrics(meter);

  /** Activities that run: what of their time is not counted yet. */
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
          const { activityType: activity, workflowExecution, activityId, attempt } = info;
          const run = { activity, counted: began };
          running.add(run);
          let outcome: 'completed' | 'failed' | 'cancelled' = 'failed';
          let made: unknown;
          let failure: unknown;
          try {
            made = await next(input);
            outcome = 'completed';
            return made;
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
              segments.add(1, { cached: fieldOf(made, 'cached') === true });
            }
            logger[outcome === 'failed' ? 'warn' : 'info'](`activity ${outcome}`, {
              job: workflowExecution?.workflowId,
              activity,
              activityId,
              attempt,
              ...segmentFields(activity, input.args[0]),
              generation: fieldOf(made, 'generation'),
              seconds: Math.round(now - began) / 1000,
              code: fieldOf(failure, 'type'),
            });
          }
        },
      },
    }),
    countGenerations: (generator) => countAnswers(meter, generator),
    countHostRestart: () => restarts.add(1),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      stopProcess();
    },
  };
}

function countAnswers(meter: MetricMeter, generator: Generator): Generator {
  const answers = meter.createCounter('frameloom_answers', '', 'Answers of the model, by why they ended.');
  const tokens = meter.createCounter('frameloom_tokens', '', 'Tokens of prompts and of answers.');
  const pictures = meter.createCounter(
    'frameloom_pictures',
    '',
    'Pictures that the vision graph was run for.',
  );
  const model = meter.createCounter(
    'frameloom_model_busy_milliseconds',
    '',
    'Time of the model, shared by its answers.',
  );
  return {
    get info() {
      return generator.info;
    },
    generate: async (request, options) => {
      const generation = await generator.generate(request, options);
      answers.add(1, { reason: generation.finishReason });
      tokens.add(generation.promptTokens, { kind: 'prompt' });
      tokens.add(generation.outputTokens, { kind: 'output' });
      pictures.add(generation.visionCalls);
      model.add(Math.round(generation.modelSeconds * 1000));
      return generation;
    },
    [Symbol.asyncDispose]: () => generator[Symbol.asyncDispose](),
  };
}

/** Keeps the figures of the process current, under the names that the API has for its own. */
function recordProcessMetrics(meter: MetricMeter): () => void {
  const gauge = (name: string, what: string) =>
    meter.createGauge(`frameloom_process_${name}`, 'float', '', what);
  const memory = gauge('resident_memory_bytes', 'Memory of the process; the model host is another.');
  const heap = gauge('heap_used_bytes', 'Memory of its JavaScript objects.');
  const cpu = gauge('cpu_seconds', 'Processor time since the start.');
  const delay = gauge(
    'event_loop_delay_seconds',
    'By how much its event loop is late: 99 % of the last interval is below.',
  );
  gauge('start_time_seconds', 'When it started.').set(readProcessMetrics().start_time_seconds);
  const histogram = monitorEventLoopDelay({ resolution: 20 });
  histogram.enable();
  const update = (): void => {
    const now = readProcessMetrics();
    memory.set(now.resident_memory_bytes);
    heap.set(now.heap_used_bytes);
    cpu.set(now.cpu_seconds);
    // The resolution is part of what is measured.
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

/** A field of what may be anything. */
function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Record<string, unknown>)[name] // `in` says so
    : undefined;
}
