/**
 * The embedded system: Temporal's development server and the processes of a deployment, started with the
 * same commands as in deploy/, as children of this process, with all data in one home folder.
 */

import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve as toAbsolute } from 'node:path';
import { SettingsError } from '../../config/settings.ts';
import { identifyProcess } from '../../core/processes.ts';
import { findTool } from '../find-tool.ts';
import { commandEntry } from '../package-root.ts';
import { ChildProcessError } from './child-process-error.ts';
import { type HomeLock, lockHome } from './home-lock.ts';
import { choosePort, type WantedPort } from './ports.ts';
import { checkBeforeStart } from './preflight.ts';
import { createProcessGroup, type ProcessGroup } from './process-group.ts';
import { DECODE_WORKER, isReadyMessage, type ReadyMessage, ROLES, type Role } from './roles.ts';
import type { ProcessSpec } from './supervised-process.ts';
import { temporalServerSpec } from './temporal-server.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface EmbeddedOptions {
  /** Settings for all processes, as environment variables. With TEMPORAL_ADDRESS, that server is used. */
  readonly env: Env;
  readonly home: string;
  /** Where the API and the console listen. */
  readonly listen: WantedPort;
  /** Temporal namespace. */
  readonly namespace: string;
  /**
   * Called with one line of text for each step of the start, each restart of a process, and each logged
   * error.
   */
  readonly onMessage: (line: string) => void;
}

export interface EmbeddedSystem {
  /** Address of the API and the console. */
  readonly url: string;
  /** Frontend of Temporal, host:port. */
  readonly temporal: string;
  /** Processes running now, by name; a restarted one has a new id. */
  readonly processes: () => readonly { readonly name: string; readonly pid: number }[];
  /** Resolves when a process has died at every restart; the system should then be stopped. */
  readonly failed: Promise<ChildProcessError>;
  /** Stops all processes in order. Resolves when none is left. May be called more than once. */
  readonly stop: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Workers flush their checkpoints and end within this time. */
const SHUTDOWN_GRACE_MS = 15_000;

/**
 * Starts the system and waits until all its processes are ready. `signal` cancels the start. When it
 * rejects, no process is left running.
 *
 * @throws HomeInUseError when another system uses the home folder.
 * @throws SettingsError, FrameloomError for what keeps a process from starting: a port, keys, the home folder, ffmpeg, the
 * model, the Temporal server at TEMPORAL_ADDRESS.
 * @throws ChildProcessError when a process does not start, or the Temporal CLI is not installed.
 */
export async function startEmbeddedSystem(
  options: EmbeddedOptions,
  signal?: AbortSignal,
): Promise<EmbeddedSystem> {
  const home = toAbsolute(options.home);
  const temporalProgram = findTemporalProgram(options.env);
  const lock = await openHome(home, options.onMessage);
  const group = createProcessGroup(lock, options.onMessage);
  const stop = (): Promise<void> => group.stop(SHUTDOWN_GRACE_MS);
  const aborted = rejectOnAbort(signal);
  try {
    const env = { ...options.env };
    const port = await choosePort(options.listen);
    if (port !== options.listen.port)
      options.onMessage(`port ${options.listen.port} is taken; using another one`);
    const checked = checkBeforeStart(env);
    checked.catch(() => {}); // awaited below
    if (temporalProgram !== undefined) {
      options.onMessage('starting the Temporal server');
      const server = group.start(
        temporalServerSpec({ program: temporalProgram, home, namespace: options.namespace, env }),
        { stopLast: true }, // workers report to it while they shut down
      );
      const [{ address }] = await Promise.race([Promise.all([server.ready, checked]), aborted]);
      env.TEMPORAL_ADDRESS = address;
    }
    await Promise.race([checked, aborted]);
    const temporal = env.TEMPORAL_ADDRESS ?? '';
    await group.publish({ temporal });
    options.onMessage('starting the workers and the API');
    const { url } = await Promise.race([startProcesses(group, { env, home, port }), aborted]);
    if (url === undefined) throw new ChildProcessError('The API did not report its address.');
    if (env.TEMPORAL_WORKER_BUILD_ID) await promoteWorkers(env, signal);
    await group.publish({ url });
    return { url, temporal, processes: group.list, failed: group.failed, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Locks the home folder and creates what is missing of it. @throws SettingsError when it cannot be written to */
async function openHome(home: string, onMessage: (line: string) => void): Promise<HomeLock> {
  try {
    const lock = await lockHome(home, identifyProcess('supervisor', process.pid), () =>
      onMessage('waiting until the processes of an earlier system with this home have ended'),
    );
    await mkdir(join(home, 'logs'), { recursive: true });
    return lock;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOSPC', 'ENOENT'].includes(code)) throw error;
    throw new SettingsError(`The home folder ${home} cannot be written to (${code}). Set FRAMELOOM_HOME.`);
  }
}

/** Path of the Temporal CLI, or undefined where the environment names a server. Throws ChildProcessError. */
function findTemporalProgram(env: Env): string | undefined {
  if (env.TEMPORAL_ADDRESS) return undefined;
  const program = findTool('temporal', env);
  if (program !== undefined && existsSync(program)) return program;
  if (program !== undefined)
    throw new ChildProcessError(`The Temporal CLI was not found: ${program}. Check TEMPORAL_CLI_PATH.`);
  throw new ChildProcessError(
    'The Temporal CLI was not found. Install it (https://docs.temporal.io/cli), set TEMPORAL_CLI_PATH, ' +
      'or set TEMPORAL_ADDRESS to a Temporal server.',
  );
}

/** Starts the workers and the API. Resolves when all are ready, with the ready message of the API. */
async function startProcesses(
  group: ProcessGroup,
  options: { readonly env: Env; readonly home: string; readonly port: number },
): Promise<ReadyMessage> {
  const { home, env, port } = options;
  const common = {
    ...env,
    FRAMELOOM_HOME: home,
    FFMPEG_PATH: findTool('ffmpeg', env),
    FFPROBE_PATH: findTool('ffprobe', env),
  };
  const metricsPort = Number(env.FRAMELOOM_METRICS_PORT);
  // Two processes cannot listen on one port.
  const metricsAt = (offset: number): Env =>
    metricsPort ? { FRAMELOOM_METRICS_PORT: String(metricsPort + offset) } : {};
  const cpu = group.start(
    processSpec(ROLES.cpu, home, () => ({ ...common, FRAMELOOM_CPU_QUEUES: 'workflow,cpu' })),
  );
  const gpu = group.start(processSpec(ROLES.gpu, home, () => ({ ...common, ...metricsAt(1) })));
  const decode = group.start(
    processSpec(DECODE_WORKER, home, () => ({ ...common, ...metricsAt(2), FRAMELOOM_CPU_QUEUES: 'decode' })),
  );
  const api = group.start(
    // A restarted API keeps its port: clients have the address.
    processSpec(ROLES.api, home, (lastReady) => ({
      ...common,
      FRAMELOOM_PORT: lastReady?.url ? new URL(lastReady.url).port : String(port),
    })),
  );
  const [ready] = await Promise.all([api.ready, cpu.ready, gpu.ready, decode.ready]);
  return ready;
}

/**
 * Directs new jobs to the workers of this system: where all run with one command, no other build is meant.
 */
async function promoteWorkers(env: Env, signal: AbortSignal | undefined): Promise<void> {
  const [{ promoteBuild }, { loadSettings }] = await Promise.all([
    import('../../temporal/grpc/index.ts'),
    import('../../config/settings.ts'),
  ]);
  await promoteBuild(loadSettings(env), signal ?? new AbortController().signal);
}

/** `envFor` gets the last ready message of the process, if it was ready before. */
function processSpec(
  { name, log, command, env }: (typeof ROLES)[Role] | typeof DECODE_WORKER,
  home: string,
  envFor: (ready: ReadyMessage | undefined) => Env,
): ProcessSpec<ReadyMessage> {
  return {
    name,
    logFile: join(home, 'logs', log),
    forwardsErrors: true,
    ipc: true,
    launch: (ready) =>
      Promise.resolve({
        command: process.execPath,
        args: [...commandEntry(), ...command],
        env: { ...env, ...envFor(ready) },
      }),
    waitUntilReady: receiveReadyMessage,
  };
}

function receiveReadyMessage(child: ChildProcess, died: AbortSignal): Promise<ReadyMessage> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      if (isReadyMessage(message)) resolve(message);
    });
    died.addEventListener('abort', () => reject(died.reason), { once: true });
  });
}

function rejectOnAbort(signal: AbortSignal | undefined): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {}); // it may reject when nothing waits for it any more
  return aborted;
}
