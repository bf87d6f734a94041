/**
 * Builds of the worker code, as Temporal's worker deployments. Where a build is named, a job stays with workers of the build that
 * began it, so that a new release never replays what an older one has recorded; new jobs go to the build that was promoted last.
 */
import { Connection, isGrpcServiceError } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { Settings } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';
import { sleep } from '../../core/sleep.ts';

/** How long a promotion waits for the first worker of its build, in milliseconds, and how often it asks. */
const WORKER_WAIT_MS = 60_000;
const POLL_INTERVAL_MS = 500;

// gRPC status codes: NOT_FOUND and FAILED_PRECONDITION, as long as no worker of the build polls all its queues.
const NOT_YET: ReadonlySet<number> = new Set([5, 9]);

type Deployment = Pick<Settings, 'buildId' | 'deploymentName'>;

/** What makes a worker one of its build; nothing where none is named. */
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

/** Sends new jobs to the build of the settings from now on. Throws `invalid_request` without one, `unavailable` without workers of it. */
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
          const message = `No workers of build ${buildId} poll all queues that the build before it polled.`;
          throw new FrameloomError('unavailable', message, { cause: error });
        }
      }
      await sleep(POLL_INTERVAL_MS);
    }
  } finally {
    await connection.close();
  }
}
