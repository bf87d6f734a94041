/** `frameloom serve-model`: a model host behind HTTP. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiKey } from '../../config/api-keys.ts';
import type { Settings } from '../../config/settings.ts';
import { resolveModel, startLocalGenerator } from '../models/index.ts';
import { requireApiKeys, startModelServer } from './server.ts';

export interface RunModelServerOptions {
  readonly host: string;
  readonly port: number;
  readonly keys: readonly ApiKey[];
  readonly log: (
    level: 'info' | 'warn' | 'error',
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ) => void;
  /** Called with the URL once the server listens. */
  readonly onReady: (url: string) => void;
  /** Aborts when the process is to exit. */
  readonly signal: AbortSignal;
}

/**
 * Serves a model until `signal` aborts.
 *
 * @throws FrameloomError when the model cannot be loaded, SettingsError of `startModelServer`.
 */
export async function runModelServer(
  settings: Settings,
  { onReady, signal, log, ...listen }: RunModelServerOptions,
): Promise<void> {
  // Checked before the model is loaded, which may take minutes.
  requireApiKeys(listen.host, listen.keys);
  const { folder, profile } = await resolveModel(settings);
  const scratch = join(settings.home, 'scratch');
  await mkdir(scratch, { recursive: true });
  let restarts = 0;
  const warn = (message: string, fields: Record<string, unknown>): void => log('warn', message, fields);
  await using generator = await startLocalGenerator(settings, folder, warn, () => {
    restarts += 1;
  });
  log('info', 'model loaded', {
    model: profile.name,
    revision: profile.revision,
    runtime: generator.info.runtime,
  });
  const { maxPixels } = settings;
  const server = await startModelServer({
    ...{ ...listen, generator, profile, scratch, maxPixels, log },
    restarts: () => restarts,
  });
  onReady(server.url);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
}
