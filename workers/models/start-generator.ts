/** What answers the prompts of a GPU worker: a model host of its own, or an endpoint that settings name. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@temporalio/worker';
import { MODEL_ERRORS } from '../../activities/index.ts';
import type { Settings } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';
import { ModelError } from '../../onnx/index.ts';
import { connectEndpoint, type Generator, type ModelHost, startModelHost } from '../../phi3v/index.ts';
import type { InstalledModel } from './find-models.ts';

/** Milliseconds between tries while the endpoint is not there yet. */
const RETRY_INTERVAL_MS = 1000;

/**
 * Throws FrameloomError when the model cannot be loaded, or the endpoint will not serve it. An endpoint that
 * is not up yet is waited for, until `signal` aborts: processes of a deployment start in any order.
 */
export async function startGenerator(
  settings: Settings,
  { folder, profile }: InstalledModel,
  logger: Logger,
  signal: AbortSignal,
  onRestart: () => void = () => {},
): Promise<Generator> {
  const { modelUrl: url, modelKey: key, modelRows: maxConcurrency } = settings;
  if (url === undefined) {
    return startLocalGenerator(
      settings,
      folder,
      (message, fields) => logger.warn(message, fields),
      onRestart,
    );
  }
  for (;;) {
    signal.throwIfAborted();
    try {
      return await connectEndpoint({ url, key, maxConcurrency, model: profile.name });
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== 'unavailable') throw toFrameloomError(error);
      logger.warn('the model endpoint does not answer yet', { url: urlOrigin(url), reason: error.message });
      await delay(error.retryAfterMs ?? RETRY_INTERVAL_MS, undefined, { signal });
    }
  }
}

/** Throws FrameloomError when the model cannot be loaded. */
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
      warn('model host starts anew', { reason });
      onRestart();
    },
  }).catch((error: unknown) => {
    throw toFrameloomError(error);
  });
  if (host.info.fallbackReason !== undefined) {
    warn('the portable runtime is used, which is slower', { reason: host.info.fallbackReason });
  }
  return host;
}

/** A failure of the runtime by the name that it has in this system. */
function toFrameloomError(error: unknown): unknown {
  if (!(error instanceof ModelError)) return error;
  return new FrameloomError(MODEL_ERRORS[error.code], error.message, { cause: error });
}

/** An address without what may be a secret in it. */
export function urlOrigin(url: string): string {
  return new URL(url).origin;
}
