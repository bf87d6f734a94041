/**
 * A CPU worker for AWS Lambda: an invocation polls the queues `cpu` and `decode` as long as there is work and time, and
 * shuts down before the time limit of the function. Activities that are then in flight are retried elsewhere
 * at once, since the shutdown is reported to Temporal. Only the process is reused between invocations:
 * connections do not survive while it is frozen.
 */
import { join } from 'node:path';
import type { Context } from '@temporalio/activity';
import type { MetricMeter } from '@temporalio/common';
import {
  type ActivityInterceptors,
  type NativeConnection,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { HEARTBEAT_INTERVAL_MS } from '../../activities/index.ts';
import type { Settings } from '../../config/settings.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import { openStore } from '../../store/open-store.ts';
import { deploymentOptions } from '../../temporal/grpc/index.ts';
import { connectToTemporal, createScratchFolder, runWorkers } from '../process/index.ts';
import {
  createLogger,
  createWorkerMetrics,
  installTemporalRuntime,
  startTracing,
  traceActivities,
} from '../telemetry/index.ts';
import { type CpuActivityFactory, prepareCpuActivities } from './cpu-activities.ts';

/** The part of Lambda's context that is used. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number;
}

export interface LambdaWorkerOptions {
  /** Milliseconds without work after which an invocation ends. */
  readonly idleTimeoutMs?: number;
  /**
   * Milliseconds for running activities to finish near the time limit. After that they are cancelled.
   */
  readonly shutdownGraceMs?: number;
  /**
   * Milliseconds between that and the time limit, for closing the scratch folder and the connection.
   */
  readonly closeMarginMs?: number;
  /** Prepares the activities, once per process. */
  readonly prepareActivities?: (settings: Settings) => Promise<CpuActivityFactory>;
}

/** Why an invocation ended, and how many activity attempts it ran. */
export interface InvocationResult {
  readonly endedBy: 'idle' | 'deadline';
  readonly activityAttempts: number;
}

const IDLE_TIMEOUT_MS = 10_000;
const SHUTDOWN_GRACE_MS = 5000;
const CLOSE_MARGIN_MS = 5000;
/**
 * With less time for work, an invocation would only accept tasks and drop them.
 */
const MIN_WORK_MS = 1000;
/** How often the remaining time is checked. */
const DEADLINE_CHECK_INTERVAL_MS = 100;

/** Makes the handler. Settings are read by the entry, as everywhere. */
export function createLambdaCpuWorker(
  settings: Settings,
  {
    idleTimeoutMs = IDLE_TIMEOUT_MS,
    shutdownGraceMs = SHUTDOWN_GRACE_MS,
    closeMarginMs = CLOSE_MARGIN_MS,
    prepareActivities = prepareCpuActivities,
  }: LambdaWorkerOptions = {},
): (event: unknown, context: LambdaContext) => Promise<InvocationResult> {
  const logger = createLogger(settings.logLevel, 'lambda-cpu');
  let prepared: Promise<{ readonly meter: MetricMeter; readonly tools: CpuActivityFactory }> | undefined;

  async function prepare(): Promise<{ readonly meter: MetricMeter; readonly tools: CpuActivityFactory }> {
    const { meter } = installTemporalRuntime(settings, logger);
    return { meter, tools: await prepareActivities(settings) };
  }

  return async function handler(_event, context) {
    prepared ??= prepare();
    const { meter, tools } = await prepared;
    const workLeft = (): number => context.getRemainingTimeInMillis() - shutdownGraceMs - closeMarginMs;
    if (workLeft() < MIN_WORK_MS)
      throw new Error(
        `The function needs a timeout of ${(shutdownGraceMs + closeMarginMs + MIN_WORK_MS) / 1000} s at least.`,
      );
    const leave = new AbortController();
    let endedBy: InvocationResult['endedBy'] = 'idle';
    // The platform's clock decides, not a timer of ours, which a frozen process would be late with.
    const deadline = setInterval(() => {
      if (workLeft() > 0 || leave.signal.aborted) return;
      endedBy = 'deadline';
      leave.abort();
    }, DEADLINE_CHECK_INTERVAL_MS);
    try {
      using measures = createWorkerMetrics(meter, logger);
      await using scratch = await createScratchFolder(join(settings.home, 'scratch'));
      await using tracing = await startTracing(settings, 'lambda-cpu');
      const connection = await connectToTemporal(settings, logger, leave.signal);
      try {
        const idle = watchIdle(idleTimeoutMs, () => leave.abort());
        const traced = tracing ? [traceActivities(tracing)] : [];
        const options = {
          ...shared(settings, connection),
          shutdownGraceTime: shutdownGraceMs,
          // Activities that do not stop are left behind half a margin before the end.
          shutdownForceTime: shutdownGraceMs + closeMarginMs / 2,
          activities: tools.create({
            store: openStore(settings, scratch.path),
            scratch: scratch.path,
            connection,
          }),
          interceptors: { activity: [idle.count, ...traced, measures.countActivities] },
        } satisfies Omit<WorkerOptions, 'taskQueue'>;
        const workers = [
          await Worker.create({ ...options, taskQueue: TASK_QUEUES.decode }),
          await Worker.create({ ...options, taskQueue: TASK_QUEUES.cpu }),
        ];
        await runWorkers(workers, { onReady: idle.begin, signal: leave.signal });
        idle.end();
        logger.info('invocation ended', { reason: endedBy, activities: idle.activities() });
        return { endedBy, activityAttempts: idle.activities() };
      } finally {
        await connection.close();
      }
    } catch (error) {
      // The server was not reached in time: the next invocation tries again.
      if (leave.signal.aborted && error === leave.signal.reason) return { endedBy, activityAttempts: 0 };
      throw error;
    } finally {
      clearInterval(deadline);
    }
  };
}

function shared(settings: Settings, connection: NativeConnection) {
  return {
    connection,
    namespace: settings.temporalNamespace,
    ...deploymentOptions(settings),
    // Cores of a function come with its memory: 1.8 GB each.
    maxConcurrentActivityTaskExecutions: settings.cpuSlots ?? 2,
    maxHeartbeatThrottleInterval: HEARTBEAT_INTERVAL_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_INTERVAL_MS,
  } as const;
}

interface IdleWatch {
  readonly count: (context: Context) => ActivityInterceptors;
  begin(): void;
  end(): void;
  activities(): number;
}

/** Calls `onIdle` once no activity has run for `after` milliseconds. */
function watchIdle(after: number, onIdle: () => void): IdleWatch {
  let running = 0;
  let total = 0;
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onIdle, after);
  };
  return {
    begin,
    end: () => clearTimeout(timer),
    activities: () => total,
    count: () => ({
      inbound: {
        async execute(input, next) {
          clearTimeout(timer);
          running += 1;
          total += 1;
          try {
            return await next(input);
          } finally {
            running -= 1;
            if (running === 0) begin();
          }
        },
      },
    }),
  };
}
