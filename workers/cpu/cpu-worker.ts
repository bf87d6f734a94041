/**
 * The CPU worker: polls the `decode` queue for videos, the `cpu` queue for everything short, and the `workflow`
 * queue for orchestration.
 */
import { availableParallelism, setPriority } from 'node:os';
import { join } from 'node:path';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import {
  createBatchActivities,
  createWorkflowActivities,
  HEARTBEAT_INTERVAL_MS,
} from '../../activities/index.ts';
import type { Settings } from '../../config/settings.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { openStore } from '../../store/open-store.ts';
import {
  createDescribeJob,
  deploymentOptions,
  openInFlightRecords,
  scheduleCollection,
} from '../../temporal/grpc/index.ts';
import {
  connectToTemporal,
  createScratchFolder,
  runWorkers,
  type WorkerLifecycle,
} from '../process/index.ts';
import {
  createLogger,
  createTraceSinks,
  createWorkerMetrics,
  installTemporalRuntime,
  startTracing,
  traceActivities,
} from '../telemetry/index.ts';
import { prepareCpuActivities } from './cpu-activities.ts';
import { loadWorkflowBundle } from './workflow-bundle.ts';

const MAX_CONCURRENT_WORKFLOW_TASKS = 10;
/** The nice value of the decoders themselves (media/exec). */
const DECODE_PRIORITY = 10;

/**
 * Runs until `signal` aborts.
 *
 * @throws FrameloomError when ffmpeg or the model profile is missing; SettingsError when the metrics port is
 * taken.
 */
export async function runCpuWorker(settings: Settings, process: WorkerLifecycle): Promise<void> {
  const logger = createLogger(settings.logLevel, 'worker-cpu');
  await using runtime = installTemporalRuntime(settings, logger);
  using metrics = createWorkerMetrics(runtime.meter, logger);
  const tools = await prepareCpuActivities(settings);
  await using scratch = await createScratchFolder(join(settings.home, 'scratch'));
  await using inFlight = await openInFlightRecords(join(settings.home, 'in-flight'), logger);
  const store = openStore(settings, scratch.path);
  await using tracing = await startTracing(settings, 'worker-cpu');
  const connection = await connectToTemporal(settings, logger, process.signal);
  await inFlight.failOrphaned(connection, settings.temporalNamespace);
  const shared = { connection, namespace: settings.temporalNamespace, ...deploymentOptions(settings) };

  const options = {
    ...shared,
    activities: tools.create({ store, scratch: scratch.path, connection }),
    maxConcurrentActivityTaskExecutions: settings.cpuSlots ?? availableParallelism(),
    interceptors: {
      activity: [
        inFlight.interceptor,
        ...(tracing ? [traceActivities(tracing)] : []),
        metrics.countActivities,
      ],
    },
    // Completing an activity is cheaper than repeating it, as long as it fits into the termination grace
    // period of a pod.
    shutdownGraceTime: '5s',
    shutdownForceTime: '10s',
    maxHeartbeatThrottleInterval: HEARTBEAT_INTERVAL_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_INTERVAL_MS,
  } satisfies Omit<WorkerOptions, 'taskQueue'>;
  const { cpuQueues } = settings;
  const polled: Worker[] = [];
  if (cpuQueues.has('workflow')) {
    polled.push(await createWorkflowWorker({ settings, logger, tracing, store, connection, shared }));
  }
  // Slots of its own for each queue: a deck does not wait until a span of a video is decoded.
  for (const queue of ['decode', 'cpu'] as const) {
    if (cpuQueues.has(queue)) polled.push(await Worker.create({ ...options, taskQueue: TASK_QUEUES[queue] }));
  }
  if (cpuQueues.has('cpu')) {
    await scheduleCollection(connection, settings.temporalNamespace, settings.gcHours).catch(
      (error: unknown) =>
        logger.warn('the schedule that deletes expired artifacts could not be created', {
          reason: String(error),
        }),
    );
  }
  // Decoding takes all the time it gets: next to other workers it gets what they leave.
  if (cpuQueues.size === 1 && cpuQueues.has('decode')) setPriority(DECODE_PRIORITY);
  await runWorkers(polled, process);
  await connection.close();
}

interface WorkflowWorkerOptions {
  readonly settings: Settings;
  readonly logger: ReturnType<typeof createLogger>;
  readonly tracing: Awaited<ReturnType<typeof startTracing>>;
  readonly store: ArtifactStore;
  readonly connection: NativeConnection;
  readonly shared: Pick<WorkerOptions, 'connection' | 'namespace'>;
}

async function createWorkflowWorker({
  settings,
  logger,
  tracing,
  store,
  connection,
  shared,
}: WorkflowWorkerOptions): Promise<Worker> {
  return Worker.create({
    ...shared,
    ...(await loadWorkflowBundle(logger)),
    ...(tracing ? { sinks: createTraceSinks(tracing) } : {}),
    taskQueue: TASK_QUEUES.workflow,
    activities: {
      ...createWorkflowActivities({ store }),
      ...createBatchActivities({
        store,
        describeJob: createDescribeJob(connection, settings.temporalNamespace),
      }),
    },
    // All activities of this queue are local ones.
    enableNonLocalActivities: false,
    // After this time a task for a stopped worker goes to another one, which replays the workflow. With 200
    // jobs at once on two cores, 2 of 3,264 tasks waited longer.
    stickyQueueScheduleToStartTimeout: '1s',
    // After a start each task begins with a replay. With more at once, tasks would time out while they wait
    // for each other.
    maxConcurrentWorkflowTaskExecutions: MAX_CONCURRENT_WORKFLOW_TASKS,
  });
}
