/** What answers the prompts of a GPU worker: a model host of its own, or an endpoint that settings name. */
import type { Logger } from '@temporalio/worker';
import { type Generator, startModelHost } from '../phi3v/index.ts';
import type { Settings } from '../schema/settings.ts';

/** Throws ModelError when the model cannot be loaded. */
export async function startGenerator(settings: Settings, folder: string, logger: Logger): Promise<Generator> {
  const host = await startModelHost({
    folder,
    provider: settings.modelProvider,
    threads: settings.modelThreads,
    library: settings.ortLibrary,
    rows: settings.modelRows,
    memory: settings.modelMemory,
    onRestart: (reason) => logger.warn('model host starts anew', { reason }),
  });
  if (host.info.fallback !== undefined) {
    logger.warn('the portable runtime is used, which is slower', { reason: host.info.fallback });
  }
  return host;
}
