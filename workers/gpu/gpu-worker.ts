/**
 * The GPU worker: polls the `gpu` queue and is the parent of the model host, so that its own event loop stays
 * free.
 */
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { createGpuActivities, HEARTBEAT_INTERVAL_MS } from '../../activities/index.ts';
import type { Settings } from '../../config/settings.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import { openStore } from '../../store/open-store.ts';
import { deploymentOptions, openInFlightRecords } from '../../temporal/grpc/index.ts';
import { resolveModel, startGenerator } from '../models/index.ts';
import {
  connectToTemporal,
  createScratchFolder,
  runWorkers,
  type WorkerLifecycle,
} from '../process/index.ts';
import {
  createLogger,
  createWorkerMetrics,
  installTemporalRuntime,
  startTracing,
  traceActivities,
  traceGenerator,
} from '../telemetry/index.ts';

/**
 * Runs until `signal` aborts.
 *
 * @throws FrameloomError when the model cannot be loaded; SettingsError when the metrics port is taken.
 */
export async function runGpuWorker(settings: Settings, process: WorkerLifecycle): Promise<void> {
  const logger = createLogger(settings.logLevel, 'worker-gpu');
  await using runtime = installTemporalRuntime(settings, logger);
  using metrics = createWorkerMetrics(runtime.meter, logger);
  const installed = await resolveModel(settings);
  const { profile } = installed;
  await using scratch = await createScratchFolder(join(settings.home, 'scratch'));
  await using inFlight = await openInFlightRecords(join(settings.home, 'in-flight'), logger);
  const store = openStore(settings, scratch.path);
  const { signal } = process;
  await using generator = await startGenerator({
    settings,
    model: installed,
    logger,
    signal,
    onRestart: metrics.countHostRestart,
  });
  logger.info('model loaded', {
    model: profile.name,
    revision: profile.revision,
    runtime: generator.info.runtime,
  });
  await using tracing = await startTracing(settings, 'worker-gpu');
  const counted = metrics.countGenerations(generator);
  const connection = await connectToTemporal(settings, logger, process.signal);
  await inFlight.failOrphaned(connection, settings.temporalNamespace);
  const worker = await Worker.create({
    connection,
    namespace: settings.temporalNamespace,
    ...deploymentOptions(settings),
    taskQueue: TASK_QUEUES.gpu,
    activities: createGpuActivities({
      store,
      profile,
      generator: tracing ? traceGenerator(tracing, counted, profile.name) : counted,
      scratch: scratch.path,
      keepFeatures: settings.keepFeatures,
      observer: {
        onStart: (generation, known) => logger.info('generation started', { generation, known }),
        onTokens: (generation, tokens) => logger.debug('generation progress', { generation, tokens }),
        onDone: (
          generation,
          { promptTokens, outputTokens, visionCalls, modelSeconds, averageBatchSize, finishReason },
        ) =>
          logger.info('generation completed', {
            generation,
            promptTokens,
            outputTokens,
            visionCalls,
            modelSeconds: round(modelSeconds),
            averageBatchSize: round(averageBatchSize),
            finishReason,
          }),
      },
    }),
    interceptors: {
      activity: [
        inFlight.interceptor,
        ...(tracing ? [traceActivities(tracing)] : []),
        metrics.countActivities,
      ],
    },
    // As many as the model runs at the same time; further ones would wait here although another worker may be
    // idle.
    maxConcurrentActivityTaskExecutions: generator.info.maxConcurrency,
    // On shutdown generations stop at once: their checkpoints are written and another worker continues them.
    shutdownGraceTime: 0,
    shutdownForceTime: '10s',
    maxHeartbeatThrottleInterval: HEARTBEAT_INTERVAL_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_INTERVAL_MS,
  });
  await runWorkers([worker], process);
  await connection.close();
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
