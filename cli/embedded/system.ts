/**
 * The embedded system: Temporal's development server and the processes of a deployment, started with the same commands
 * as deploy/ uses, as children of this process, with all data in one home folder.
 */

import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve as toAbsolute } from 'node:path';
import { identifyProcess } from '../../core/processes.ts';
import { findTool } from '../find-tool.ts';
import { commandEntry } from '../package-root.ts';
import { ChildProcessError } from './child-process-error.ts';
import { lockHome } from './home-lock.ts';
import { isReadyMessage, type ReadyMessage, ROLES, type Role } from './roles.ts';
import {
  type ProcessSpec,
  type SupervisedProcess,
  type SupervisionCallbacks,
  startSupervisedProcess,
} from './supervised-process.ts';
import { temporalServerSpec } from './temporal-server.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface EmbeddedOptions {
  /** Settings for all processes, as environment variables. TEMPORAL_ADDRESS in it means: use that server. */
  readonly env: Env;
  readonly home: string;
  /** Port of API and console; 0 takes a free one. */
  readonly port: number;
  readonly namespace: string;
  /** One line for the terminal: what is done, and what went wrong and is being mended. */
  readonly onMessage: (line: string) => void;
}

export interface EmbeddedSystem {
  /** Address of API and console. */
  readonly url: string;
  /** Frontend of Temporal, host:port. */
  readonly temporal: string;
  /** Processes running now, by name; a restarted one has a new id. */
  readonly processes: () => readonly { readonly name: string; readonly pid: number }[];
  /** Resolves when a process had to be given up; the system should then be stopped. */
  readonly failed: Promise<ChildProcessError>;
  /** Ends all processes in order. Resolves when none is left. May be called more than once. */
  readonly stop: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Workers flush their checkpoints and leave within this time. */
const GRACE_MS = 15_000;

/**
 * Starts the system and waits until every process of it is ready. Throws HomeInUseError, and ChildProcessError when a process does
 * not start; nothing is left running then. `signal` ends the start early.
 */
export async function startEmbeddedSystem(
  options: EmbeddedOptions,
  signal?: AbortSignal,
): Promise<EmbeddedSystem> {
  const home = toAbsolute(options.home);
  const env = { ...options.env };
  const temporalProgram = env.TEMPORAL_ADDRESS ? undefined : findTool('temporal', env);
  if (!env.TEMPORAL_ADDRESS && temporalProgram === undefined) {
    throw new ChildProcessError(
      'The Temporal CLI was not found. Install it (https://docs.temporal.io/cli), set TEMPORAL_CLI_PATH, ' +
        'or set TEMPORAL_ADDRESS to a Temporal server.',
    );
  }
  const lock = await lockHome(home, identifyProcess('supervisor', process.pid));
  await mkdir(join(home, 'logs'), { recursive: true });

  const children: SupervisedProcess<unknown>[] = [];
  let url: string | undefined;
  let giveUp: (error: ChildProcessError) => void = () => {};
  const failed = new Promise<ChildProcessError>((resolveFailed) => {
    giveUp = resolveFailed;
  });
  const processes = (): { name: string; pid: number }[] =>
    children.flatMap(({ name, pid }) => {
      const id = pid();
      return id === undefined ? [] : [{ name, pid: id }];
    });
  let publishing = Promise.resolve();
  const publish = (): void => {
    publishing = publishing
      .then(() =>
        lock.publish({
          ...(url ? { url } : {}),
          ...(env.TEMPORAL_ADDRESS ? { temporal: env.TEMPORAL_ADDRESS } : {}),
          processes: processes().map(({ name, pid }) => identifyProcess(name, pid)),
        }),
      )
      .catch(() => {}); // the note only helps others to find us; a full disk shows elsewhere
  };
  const supervision: SupervisionCallbacks = {
    onMessage: options.onMessage,
    onChange: publish,
    onFailed: giveUp,
  };
  const supervise = <Ready>(spec: ProcessSpec<Ready>): SupervisedProcess<Ready> => {
    const child = startSupervisedProcess(spec, supervision);
    children.push(child);
    return child;
  };

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      const [temporal, others] = partition(children, ({ name }) => name === 'Temporal server');
      await Promise.all(others.map((child) => child.stop(GRACE_MS)));
      await Promise.all(temporal.map((child) => child.stop(GRACE_MS)));
      await publishing;
      await lock.release();
    })();
    return stopped;
  };

  try {
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => {});
    if (temporalProgram !== undefined) {
      options.onMessage('starting the Temporal server');
      const temporal = supervise(
        temporalServerSpec({ program: temporalProgram, home, namespace: options.namespace, env }),
      );
      env.TEMPORAL_ADDRESS = (await Promise.race([temporal.ready, aborted])).address;
    }
    options.onMessage('starting the CPU worker, the GPU worker and the API');
    const childEnv = {
      ...env,
      FRAMELOOM_HOME: home,
      FFMPEG_PATH: findTool('ffmpeg', env),
      FFPROBE_PATH: findTool('ffprobe', env),
    };
    const cpu = supervise(frameloomProcess('cpu', home, () => childEnv));
    const metricsPort = Number(env.FRAMELOOM_METRICS_PORT);
    const gpu = supervise(
      // Two processes cannot listen on one port.
      frameloomProcess('gpu', home, () => ({
        ...childEnv,
        ...(metricsPort ? { FRAMELOOM_METRICS_PORT: String(metricsPort + 1) } : {}),
      })),
    );
    const api = supervise(
      // A restarted API has the address of the first one: clients hold it.
      frameloomProcess('api', home, (ready) => ({
        ...childEnv,
        FRAMELOOM_PORT: ready?.url ? new URL(ready.url).port : String(options.port),
      })),
    );
    const [apiReady] = await Promise.race([Promise.all([api.ready, cpu.ready, gpu.ready]), aborted]);
    if (env.TEMPORAL_WORKER_BUILD_ID) {
      // Whoever runs everything with one command means these workers.
      const [{ promoteBuild }, { loadSettings }] = await Promise.all([
        import('../../temporal/grpc/index.ts'),
        import('../../config/settings.ts'),
      ]);
      await promoteBuild(loadSettings(childEnv), signal ?? new AbortController().signal);
    }
    if (apiReady.url === undefined) throw new ChildProcessError('The API did not tell its address.');
    url = apiReady.url;
    publish();
    await publishing;
    const temporal = env.TEMPORAL_ADDRESS ?? '';
    return { url, temporal, processes, failed, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function frameloomProcess(
  role: Role,
  home: string,
  envFor: (ready: ReadyMessage | undefined) => Env,
): ProcessSpec<ReadyMessage> {
  const { name, log, command, env } = ROLES[role];
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
    waitUntilReady: readyMessageOf,
  };
}

function readyMessageOf(child: ChildProcess, died: AbortSignal): Promise<ReadyMessage> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      if (isReadyMessage(message)) resolve(message);
    });
    died.addEventListener('abort', () => reject(died.reason), { once: true });
  });
}

function partition<T>(items: readonly T[], matches: (item: T) => boolean): [T[], T[]] {
  return [items.filter(matches), items.filter((item) => !matches(item))];
}
