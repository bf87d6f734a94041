/**
 * The connection of a worker process to Temporal. It uses the SDK's native core, which only workers have: the
 * API and the bundles for edge and Lambda connect in temporal/ without it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, NativeConnection } from '@temporalio/worker';
import type { Settings } from '../../config/settings.ts';

const RETRY_INTERVAL_MS = 1000;

/**
 * Connects to the Temporal server of `settings` and retries every second until it is reachable: the processes
 * of a deployment start in any order.
 *
 * @throws the reason of `signal` when it aborts.
 */
export async function connectToTemporal(
  settings: Settings,
  logger: Logger,
  signal: AbortSignal,
): Promise<NativeConnection> {
  // Not `retry`: the wait has a fixed interval and no limit on attempts.
  for (;;) {
    signal.throwIfAborted();
    try {
      return await NativeConnection.connect({
        address: settings.temporalAddress,
        ...(settings.temporalApiKey === undefined ? {} : { apiKey: settings.temporalApiKey, tls: true }),
      });
    } catch (error) {
      logger.warn('Temporal is not reachable yet', {
        address: settings.temporalAddress,
        reason: String(error),
      });
      await sleep(RETRY_INTERVAL_MS);
    }
  }
}
