/** The connection of a worker process to Temporal. */
import { type Logger, NativeConnection } from '@temporalio/worker';
import type { Settings } from '../../config/settings.ts';

/** Milliseconds between tries while the server is not there yet. */
const RETRY = 1000;

/**
 * Connects, waiting for a server that is not up yet: processes of a deployment start in any order. Throws when
 * `signal` aborts.
 */
export async function connect(
  settings: Settings,
  logger: Logger,
  signal: AbortSignal,
): Promise<NativeConnection> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await NativeConnection.connect({
        address: settings.temporalAddress,
        ...(settings.temporalApiKey === undefined ? {} : { apiKey: settings.temporalApiKey, tls: true }),
      });
    } catch (error) {
      logger.warn('Temporal does not answer yet', {
        address: settings.temporalAddress,
        reason: String(error),
      });
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
  }
}
