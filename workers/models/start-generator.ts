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
const RETRY = 1000;

/**
 * Throws FrameloomError when the model cannot be loaded, or the endpoint will not serve it. An endpoint that is not up yet is
 * waited for, until `signal` aborts: processes of a deployment start in any order.
 */
export async function startGenerator(
  settings: Settings,
  { folder, profile }: InstalledModel,
  logger: Logger,
  signal: AbortSignal,
  onRestart: () => void = () => {},
): Promise<Generator> {
  const { modelUrl: url, modelKey: key, modelRows: rows } = settings;
  if (url === undefined) {
    return startOwnHost(settings, folder, (message, fields) => logger.warn(message, fields), onRestart);
  }
  for (;;) {
    signal.throwIfAborted();
    try {
      return await connectEndpoint({ url, key, rows, model: profile.name });
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== 'unavailable') throw named(error);
      logger.warn('the model endpoint does not answer yet', { url: originOf(url), reason: error.message });
      await delay(error.retryAfterMs ?? RETRY, undefined, { signal });
    }
  }
}

/** Throws FrameloomError when the model cannot be loaded. */
export async function startOwnHost(
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
    rows: settings.modelRows,
    memory: settings.modelMemory,
    onRestart: (reason) => {
      warn('model host starts anew', { reason });
      onRestart();
    },
  }).catch((error: unknown) => {
    throw named(error);
  });
  if (host.info.fallback !== undefined) {
    warn('the portable runtime is used, which is slower', { reason: host.info.fallback });
  }
  return host;
}

/** A failure of the runtime by the name that it has in this system. */
function named(error: unknown): unknown {
  if (!(error instanceof ModelError)) return error;
  return new FrameloomError(MODEL_ERRORS[error.code], error.message, { cause: error });
}

/** An address without what may be a secret in it. */
export function originOf(url: string): string {
  return new URL(url).origin;
}
