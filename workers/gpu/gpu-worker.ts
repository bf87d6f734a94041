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

/** Runs until `signal` aborts. Throws when the model cannot be loaded. */
export async function runGpuWorker(settings: Settings, process: WorkerLifecycle): Promise<void> {
  const logger = createLogger(settings.logLevel, 'worker-gpu');
  await using runtime = installTemporalRuntime(settings, logger);
  using measures = createWorkerMetrics(runtime.meter, logger);
  const installed = await resolveModel(settings);
  const { profile } = installed;
  await using scratch = await createScratchFolder(join(settings.home, 'scratch'));
  await using inHand = await openInFlightRecords(join(settings.home, 'in-hand'), logger);
  const store = openStore(settings, scratch.path);
  const { signal } = process;
  await using generator = await startGenerator(
    settings,
    installed,
    logger,
    signal,
    measures.countHostRestart,
  );
  logger.info('model loaded', {
    model: profile.name,
    revision: profile.revision,
    runtime: generator.info.runtime,
  });
  await using tracing = await startTracing(settings, 'worker-gpu');
  const answers = measures.countGenerations(generator);
  const connection = await connectToTemporal(settings, logger, process.signal);
  await inHand.failOrphaned(connection, settings.temporalNamespace);
  const worker = await Worker.create({
    connection,
    namespace: settings.temporalNamespace,
    ...deploymentOptions(settings),
    taskQueue: TASK_QUEUES.gpu,
    activities: createGpuActivities({
      store,
      profile,
      generator: tracing ? traceGenerator(tracing, answers, profile.name) : answers,
      scratch: scratch.path,
      keepFeatures: settings.keepFeatures,
      observer: {
        onStart: (generation, known) => logger.info('answer begun', { generation, known }),
        onTokens: (generation, tokens) => logger.debug('answer grows', { generation, tokens }),
        onDone: (
          generation,
          { promptTokens, outputTokens, visionCalls, modelSeconds, averageBatchSize, finishReason },
        ) =>
          logger.info('answer made', {
            generation,
            promptTokens,
            outputTokens,
            visionCalls,
            modelSeconds: round(modelSeconds),
            // How many answers decoded together.
            rows: round(averageBatchSize),
            finishReason,
          }),
      },
    }),
    interceptors: {
      activity: [
        inHand.interceptor,
        ...(tracing ? [traceActivities(tracing)] : []),
        measures.countActivities,
      ],
    },
    // As many as the model works on together; more would only wait here, where another worker could have
    // them.
    maxConcurrentActivityTaskExecutions: generator.info.maxConcurrency,
    // On shutdown the generation is stopped at once: its checkpoint is written and another worker continues.
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
