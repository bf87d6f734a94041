/**
 * A deployment whose processes a test starts, kills and restarts one by one: Temporal's development server on a SQLite
 * file, and the commands that deploy/ runs. Nothing restarts by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ReadyMessage } from '../../../cli/embedded/index.ts';
import { isReadyMessage, ROLES, type Role } from '../../../cli/embedded/roles.ts';
import { type TemporalReady, temporalServerSpec } from '../../../cli/embedded/temporal-server.ts';
import { findTool } from '../../../cli/find-tool.ts';
import { commandEntry } from '../../../cli/package-root.ts';
import { createClient, type FrameloomClient } from '../../../client/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A log line of a process. `at` is its arrival here, in milliseconds of `performance.now()`. */
export interface LogLine {
  readonly processName: string;
  readonly at: number;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface DeployedProcess {
  readonly name: string;
  readonly role: Role;
  readonly pid: number;
  /** Resolves at the exit, with `code N` or the name of a signal. */
  readonly ended: Promise<string>;
  /** Sends a signal to the process only, as an operating system or an orchestrator does. */
  signal(name: NodeJS.Signals): void;
  /** Sends a signal to the process and its descendants. */
  signalAll(name: NodeJS.Signals): void;
  /** Process ids of its running children. */
  children(): Promise<readonly number[]>;
  /** Starts a new process with the same name and settings. */
  restart(): Promise<DeployedProcess>;
}

export interface Deployment extends AsyncDisposable {
  readonly home: string;
  readonly client: FrameloomClient;
  /** Address of Temporal's frontend, as host:port. */
  readonly temporalAddress: string;
  /** Address of the API. */
  readonly url: string;
  /** All log lines, in the order of arrival. */
  readonly lines: readonly LogLine[];
  start(role: Role, options?: { readonly name?: string; readonly env?: Env }): Promise<DeployedProcess>;
  /** Returns the process with this name that was started last. */
  process(name: string): DeployedProcess;
  /** Returns the first log line, past ones included, for which `matches` returns true. Rejects after `timeoutMs`. */
  waitForLine(matches: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  killTemporal(): Promise<void>;
  /** Starts the server again on the file of the killed one. */
  startTemporal(): Promise<void>;
}

const LINE_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 20_000;
/** Variables that programs are found by. Other settings of the caller do not reach the deployment. */
const INHERITED_SETTINGS = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'TMPDIR', 'TEMPORAL_CLI_PATH'];

/** Starts Temporal and the processes of `roles`, in an empty home. Disposing stops all of them and removes the home. */
export async function deploy(
  options: { readonly env?: Env; readonly roles?: readonly Role[]; readonly home?: string } = {},
): Promise<Deployment> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'frameloom-test-')));
  await mkdir(join(home, 'logs'), { recursive: true });
  const inherited: Env = Object.fromEntries(INHERITED_SETTINGS.map((name) => [name, process.env[name]]));
  const program = findTool('temporal', process.env);
  if (program === undefined) throw new Error('no Temporal CLI: run `node scripts/setup.mjs test`');

  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  const processes = new Map<string, DeployedProcess>();
  const logs = new Map<string, ReturnType<typeof createWriteStream>>();
  let url: string | undefined;

  function logStream(name: string): ReturnType<typeof createWriteStream> {
    const known = logs.get(name);
    if (known !== undefined) return known;
    const log = createWriteStream(join(home, 'logs', `${name}.log`), { flags: 'a' });
    log.on('error', () => {}); // the home may be removed before the last line
    logs.set(name, log);
    return log;
  }

  function collectLogs(child: ChildProcess, name: string): void {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (text) => {
        logStream(name).write(`${text}\n`);
        const line = { processName: name, at: performance.now(), ...parseLogLine(text) };
        lines.push(line);
        for (const listener of listeners) listener(line);
      });
    }
  }

  const spec = temporalServerSpec({ program, home, namespace: 'default', env: inherited });
  let temporalReady: TemporalReady | undefined;
  let temporal: { readonly child: ChildProcess; readonly ended: Promise<string> } | undefined;
  async function startTemporal(): Promise<void> {
    const { command, args, env } = await spec.launch(temporalReady);
    const child = spawn(command, args, {
      env: withoutUndefined(env),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const dismiss = spec.onStart?.(child);
    const died = new AbortController();
    const ended = exitOf(child).finally(() => {
      died.abort();
      dismiss?.();
    });
    for (const stream of [child.stdout, child.stderr]) stream?.pipe(logStream('temporal'), { end: false });
    temporal = { child, ended };
    temporalReady = await spec.waitUntilReady(child, died.signal);
  }

  async function start(
    role: Role,
    { name = role, env = {} }: { readonly name?: string; readonly env?: Env } = {},
  ) {
    const child = spawn(process.execPath, [...commandEntry(), ...ROLES[role].command], {
      env: withoutUndefined({
        ...ROLES[role].env,
        ...inherited,
        FFMPEG_PATH: findTool('ffmpeg', process.env),
        FFPROBE_PATH: findTool('ffprobe', process.env),
        FRAMELOOM_LOG_LEVEL: 'debug',
        ...options.env,
        ...env,
        FRAMELOOM_HOME: home,
        TEMPORAL_ADDRESS: temporalReady?.address,
        ...(role === 'api' ? { FRAMELOOM_PORT: url === undefined ? '0' : new URL(url).port } : {}),
      }),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const { pid } = child;
    if (pid === undefined) throw new Error(`the ${name} could not be started`);
    collectLogs(child, name);
    const ended = exitOf(child);
    const ready = await Promise.race([
      new Promise<ReadyMessage>((resolve) => {
        child.on('message', (message) => {
          if (isReadyMessage(message)) resolve(message);
        });
      }),
      ended,
    ]);
    if (typeof ready === 'string') throw new Error(`the ${name} does not start: ${ready}; see ${home}/logs`);
    url ??= ready.url;
    const deployed: DeployedProcess = {
      name,
      role,
      pid,
      ended,
      signal: (signal) => void child.kill(signal),
      signalAll: (signal) => signalGroup(pid, signal),
      children: () => childPids(pid),
      restart: () => start(role, { name, env }),
    };
    processes.set(name, deployed);
    return deployed;
  }

  const deployment: Deployment = {
    home,
    get client() {
      return createClient({ url: this.url });
    },
    get url() {
      if (url === undefined) throw new Error('the API was not started');
      return url;
    },
    get temporalAddress() {
      if (temporalReady === undefined) throw new Error('Temporal was not started');
      return temporalReady.address;
    },
    lines,
    start,
    process(name) {
      const found = processes.get(name);
      if (found === undefined) throw new Error(`no process ${name} was started`);
      return found;
    },
    waitForLine: (matches, timeoutMs = LINE_TIMEOUT_MS) =>
      new Promise((resolve, reject) => {
        const past = lines.find(matches);
        if (past !== undefined) return resolve(past);
        const settle = (act: () => void): void => {
          clearTimeout(timer);
          listeners.delete(listener);
          act();
        };
        const listener = (line: LogLine): void => {
          if (matches(line)) settle(() => resolve(line));
        };
        const timer = setTimeout(
          () => settle(() => reject(new Error('the expected line was not logged in time'))),
          timeoutMs,
        );
        listeners.add(listener);
      }),
    async killTemporal() {
      temporal?.child.kill('SIGKILL');
      await temporal?.ended;
    },
    startTemporal,
    async [Symbol.asyncDispose]() {
      await Promise.all([...processes.values()].map((deployed) => stopProcess(deployed)));
      temporal?.child.kill('SIGTERM');
      await temporal?.ended;
      for (const log of logs.values()) log.end();
      if (options.home === undefined) await rm(home, { recursive: true, force: true });
    },
  };
  try {
    await startTemporal();
    await Promise.all((options.roles ?? ['cpu', 'gpu', 'api']).map((role) => start(role)));
    return deployment;
  } catch (error) {
    await deployment[Symbol.asyncDispose]();
    throw error;
  }
}

/** Stops a process that may be suspended or may have exited. */
async function stopProcess(deployed: DeployedProcess): Promise<void> {
  deployed.signalAll('SIGCONT');
  deployed.signal('SIGTERM');
  const timer = setTimeout(() => deployed.signalAll('SIGKILL'), STOP_TIMEOUT_MS);
  await deployed.ended;
  clearTimeout(timer);
  deployed.signalAll('SIGKILL');
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    child.once('error', (error) => resolve(error.message));
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // all have exited
  }
}

async function childPids(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}

/** `spawn` would pass `undefined` on as text. */
function withoutUndefined(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function parseLogLine(text: string): Pick<LogLine, 'message' | 'fields'> {
  try {
    const fields = JSON.parse(text) as Record<string, unknown>; // our processes log JSON objects
    return { message: String(fields.message), fields };
  } catch {
    return { message: text, fields: {} };
  }
}
