/**
 * The programmatic entry point of the package: the whole system on this machine and a client connected to it.
 */
import { createClient, type FrameloomClient } from '../../client/index.ts';
import { loadSettings } from '../../config/settings.ts';
import { ChildProcessError } from './child-process-error.ts';
import { HomeInUseError } from './home-lock.ts';
import { startEmbeddedSystem } from './system.ts';

export interface StartFrameloomOptions {
  /**
   * Folder for all data: artifacts, Temporal's database, logs. It is created if needed, and one system at a
   * time can use it. A later start in the same folder continues unfinished jobs.
   * @default FRAMELOOM_HOME in `env`, else the folder `frameloom` in the user's data folder (XDG_DATA_HOME)
   */
  readonly home?: string;
  /**
   * Port of the API and the console on the loopback interface; 0 takes a free one.
   * @default 0
   */
  readonly port?: number;
  /**
   * Settings of all processes by name (docs/settings.md), and the PATH on which ffmpeg and the Temporal CLI
   * are found. It replaces the environment of this process: to change one setting, pass `{ ...process.env,
   * FRAMELOOM_MODEL: 'phi-3.5-vision' }`.
   * @default process.env
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Cancels the start: the returned promise rejects with its reason. It has no effect on a system that is
   * ready.
   */
  readonly signal?: AbortSignal;
  /**
   * Called with a line of text for each step of the start, each restart of a process, and each error in its
   * log.
   */
  readonly onMessage?: (message: string) => void;
}

export interface Frameloom extends AsyncDisposable {
  /** Address of the API and the console, such as `http://127.0.0.1:41235`. */
  readonly url: string;
  /** Sends FRAMELOOM_API_KEY where that is set. */
  readonly client: FrameloomClient;
  /**
   * Resolves when a process has died at every restart. The system no longer works then and should be closed.
   */
  readonly failed: Promise<Error>;
  /**
   * Stops all processes and resolves when none is left. A process that has not ended after 15 s is killed.
   * Running jobs are checkpointed and continue at the next start. May be called more than once.
   */
  readonly close: () => Promise<void>;
}

export { ChildProcessError, HomeInUseError };

/**
 * Starts Temporal's development server, the API, a CPU worker and a GPU worker as child processes, and
 * resolves when all are ready, usually within 10 s. They end with this process, also when it is killed.
 *
 * @example await using frameloom = await startFrameloom({ home: './data' }); const { data } = await
 * frameloom.client.listSummaries();
 *
 * @throws SettingsError for a setting that is unknown or malformed, or with which nothing can start: a port that is taken,
 * a home folder that cannot be written to, an address other than localhost without keys.
 * @throws FrameloomError `model_missing` for a model that is not installed, `unavailable` without ffmpeg, or where
 * nothing responds at TEMPORAL_ADDRESS.
 * @throws HomeInUseError when another system uses the home folder.
 * @throws ChildProcessError when a process does not start, or the Temporal CLI is not installed. Nothing is
 * left running.
 */
export async function startFrameloom(options: StartFrameloomOptions = {}): Promise<Frameloom> {
  const { port = 0, signal, onMessage = () => {} } = options;
  const env = { ...(options.env ?? process.env), ...(options.home ? { FRAMELOOM_HOME: options.home } : {}) };
  const settings = loadSettings(env);
  const system = await startEmbeddedSystem(
    {
      env,
      home: settings.home,
      listen: { port, host: settings.host, isDefault: false },
      namespace: settings.temporalNamespace,
      onMessage,
    },
    signal,
  );
  return {
    url: system.url,
    client: createClient({
      url: system.url,
      ...(settings.apiKey === undefined ? {} : { apiKey: settings.apiKey }),
    }),
    failed: system.failed,
    close: system.stop,
    [Symbol.asyncDispose]: system.stop,
  };
}
