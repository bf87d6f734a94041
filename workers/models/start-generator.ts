/** The generator of a GPU worker: a model host of its own, or the endpoint at FRAMELOOM_MODEL_URL. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@temporalio/worker';
import { MODEL_ERRORS } from '../../activities/index.ts';
import type { Settings } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';
import { ModelError } from '../../onnx/index.ts';
import { connectEndpoint, type Generator, type ModelHost, startModelHost } from '../../phi3v/index.ts';
import type { InstalledModel } from './find-models.ts';

/** Between attempts to connect to an endpoint that is not reachable yet. */
const RETRY_INTERVAL_MS = 1000;

export interface StartGeneratorOptions {
  readonly settings: Settings;
  readonly model: InstalledModel;
  readonly logger: Logger;
  /** Ends the wait for an endpoint. */
  readonly signal: AbortSignal;
  /** Called whenever the model host is restarted. */
  readonly onRestart?: () => void;
}

/**
 * Starts a model host, or connects to the endpoint at FRAMELOOM_MODEL_URL if it is set. Waits for an endpoint
 * that is not reachable yet, until `signal` aborts: the processes of a deployment start in any order.
 *
 * @throws FrameloomError when the model cannot be loaded or the endpoint rejects the connection; the reason
 * of `signal`.
 */
export async function startGenerator({
  settings,
  model: { folder, profile },
  logger,
  signal,
  onRestart,
}: StartGeneratorOptions): Promise<Generator> {
  const { modelUrl: url, modelKey: key, modelRows: maxConcurrency } = settings;
  if (url === undefined) {
    return startLocalGenerator(
      settings,
      folder,
      (message, fields) => logger.warn(message, fields),
      onRestart,
    );
  }
  // Not `retry`: the wait has a fixed interval and no limit on attempts.
  for (;;) {
    signal.throwIfAborted();
    try {
      return await connectEndpoint({ url, key, maxConcurrency, model: profile.name });
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== 'unavailable') throw toFrameloomError(error);
      logger.warn('the model endpoint is not reachable yet', { url: urlOrigin(url), reason: error.message });
      await delay(error.retryAfterMs ?? RETRY_INTERVAL_MS, undefined, { signal });
    }
  }
}

/** @throws FrameloomError when the model cannot be loaded. */
export async function startLocalGenerator(
  settings: Settings,
  folder: string,
  warn: (message: string, fields: Record<string, unknown>) => void,
  onRestart: () => void = () => {},
): Promise<ModelHost> {
  const host = await startModelHost({
    folder,
    provider: settings.modelProvider,
    threads: settings.modelThreads,
    library: settings.ortLibrary,
    maxConcurrency: settings.modelRows,
    maxMemoryBytes: settings.modelMemory,
    onRestart: (reason) => {
      warn('model host restarted', { reason });
      onRestart();
    },
  }).catch((error: unknown) => {
    throw toFrameloomError(error);
  });
  if (host.info.fallbackReason !== undefined) {
    warn('the slower, portable runtime is used', { reason: host.info.fallbackReason });
  }
  return host;
}

/** Converts a ModelError to the FrameloomError with the corresponding code. */
function toFrameloomError(error: unknown): unknown {
  if (!(error instanceof ModelError)) return error;
  return new FrameloomError(MODEL_ERRORS[error.code], error.message, { cause: error });
}

/** The origin of a URL, without path, query and credentials, for logs. */
export function urlOrigin(url: string): string {
  return new URL(url).origin;
}
