/**
 * Versions of the worker code, as Temporal worker deployments. With a build id, a job stays on workers of the
 * build that started it, so a new release never replays the history of an older one. New jobs go to the build
 * that was promoted last.
 */
import { Connection, isGrpcServiceError } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { Settings } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';
import { sleep } from '../../core/sleep.ts';

/** Longest wait of a promotion for the first worker of its build. */
const WORKER_WAIT_MS = 60_000;
const POLL_INTERVAL_MS = 500;

// gRPC status codes NOT_FOUND and FAILED_PRECONDITION: no worker of the build polls all queues yet.
const NOT_YET: ReadonlySet<number> = new Set([5, 9]);

type Deployment = Pick<Settings, 'buildId' | 'deploymentName'>;

/** Returns the options of a worker of the build, or none without a build id. */
export function deploymentOptions({
  buildId,
  deploymentName,
}: Deployment): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (buildId === undefined) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

/**
 * Routes new jobs to the build of the settings. Throws `invalid_request` without a build id, `unavailable`
 * without workers of it.
 */
export async function promoteBuild(settings: Settings, signal: AbortSignal): Promise<void> {
  const { buildId, deploymentName, temporalNamespace: namespace } = settings;
  if (buildId === undefined) {
    throw new FrameloomError('invalid_request', 'Set TEMPORAL_WORKER_BUILD_ID to the build to promote.');
  }
  const connection = await Connection.connect({
    address: settings.temporalAddress,
    ...(settings.temporalApiKey === undefined ? {} : { apiKey: settings.temporalApiKey, tls: true }),
  });
  try {
    // Not `retry`: it polls at a fixed interval, and its timeout has an error of its own.
    for (const until = Date.now() + WORKER_WAIT_MS; ; ) {
      signal.throwIfAborted();
      try {
        await connection.workflowService.setWorkerDeploymentCurrentVersion({
          namespace,
          deploymentName,
          buildId,
          identity: 'frameloom',
        });
        return;
      } catch (error) {
        if (!isGrpcServiceError(error) || !NOT_YET.has(error.code)) throw error;
        if (Date.now() >= until) {
          const message = `No workers of build ${buildId} poll all queues that the previous build polled.`;
          throw new FrameloomError('unavailable', message, { cause: error });
        }
      }
      await sleep(POLL_INTERVAL_MS);
    }
  } finally {
    await connection.close();
  }
}
