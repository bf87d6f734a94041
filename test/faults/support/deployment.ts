/**
 * A deployment whose processes a test starts, kills and starts again one by one: Temporal's development server on a SQLite
 * file, and the same commands as deploy/ runs. Nothing mends itself here: what comes back does so because the test says.
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

/** A line that a process wrote, and when it arrived here, in milliseconds of this process's clock. */
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
  /** How it ended; when it has. */
  readonly ended: Promise<string>;
  /** To the process alone, as an operating system or an orchestrator would. */
  signal(name: NodeJS.Signals): void;
  /** To the process and all it has started. */
  signalAll(name: NodeJS.Signals): void;
  /** Ids of the processes it has started and that still run. */
  children(): Promise<readonly number[]>;
  /** Starts another of the same name and settings. */
  restart(): Promise<DeployedProcess>;
}

export interface Deployment extends AsyncDisposable {
  readonly home: string;
  readonly client: FrameloomClient;
  /** Of Temporal's frontend, host:port. */
  readonly temporalAddress: string;
  /** Address of the API. */
  readonly url: string;
  /** Everything that was logged, in the order of arrival. */
  readonly lines: readonly LogLine[];
  start(role: Role, options?: { readonly name?: string; readonly env?: Env }): Promise<DeployedProcess>;
  /** The deployed of that name that was started last. */
  process(name: string): DeployedProcess;
  /** The first line, past ones included, for which `wanted` holds. Throws after `timeoutMs`. */
  waitForLine(wanted: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  killTemporal(): Promise<void>;
  /** Starts the server anew on the file of the one that was killed. */
  startTemporal(): Promise<void>;
}

const LINE_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 20_000;
/** What programs are found by; no setting of whoever runs the test reaches its deployment. */
const INHERITED = ['PATH', 'HOME', 'XDG_CACHE_HOME', 'TMPDIR', 'TEMPORAL_CLI_PATH'];

/** Starts Temporal and the processes of `roles`, in an empty home. Disposing ends all of it and removes the home. */
export async function deploy(
  options: { readonly env?: Env; readonly roles?: readonly Role[]; readonly home?: string } = {},
): Promise<Deployment> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'frameloom-test-')));
  await mkdir(join(home, 'logs'), { recursive: true });
  const inherited: Env = Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]));
  const program = findTool('temporal', process.env);
  if (program === undefined) throw new Error('no Temporal CLI: run `node scripts/setup.mjs test`');

  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  const processes = new Map<string, DeployedProcess>();
  const logs = new Map<string, ReturnType<typeof createWriteStream>>();
  let url: string | undefined;

  function logOf(name: string): ReturnType<typeof createWriteStream> {
    const known = logs.get(name);
    if (known !== undefined) return known;
    const log = createWriteStream(join(home, 'logs', `${name}.log`), { flags: 'a' });
    log.on('error', () => {}); // the home may be gone before the last line
    logs.set(name, log);
    return log;
  }

  function listen(child: ChildProcess, name: string): void {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (text) => {
        logOf(name).write(`${text}\n`);
        const line = { processName: name, at: performance.now(), ...parse(text) };
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
      env: plain(env),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const dismiss = spec.onStart?.(child);
    const died = new AbortController();
    const ended = whenEnded(child).finally(() => {
      died.abort();
      dismiss?.();
    });
    for (const stream of [child.stdout, child.stderr]) stream?.pipe(logOf('temporal'), { end: false });
    temporal = { child, ended };
    temporalReady = await spec.waitUntilReady(child, died.signal);
  }

  async function start(
    role: Role,
    { name = role, env = {} }: { readonly name?: string; readonly env?: Env } = {},
  ) {
    const child = spawn(process.execPath, [...commandEntry(), ...ROLES[role].command], {
      env: plain({
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
    if (pid === undefined) throw new Error(`the ${name} cannot be started`);
    listen(child, name);
    const ended = whenEnded(child);
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
      children: () => childrenOf(pid),
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
      if (found === undefined) throw new Error(`there is no ${name}`);
      return found;
    },
    waitForLine: (wanted, timeoutMs = LINE_TIMEOUT_MS) =>
      new Promise((resolve, reject) => {
        const past = lines.find(wanted);
        if (past !== undefined) return resolve(past);
        const settle = (act: () => void): void => {
          clearTimeout(timer);
          listeners.delete(listener);
          act();
        };
        const listener = (line: LogLine): void => {
          if (wanted(line)) settle(() => resolve(line));
        };
        const timer = setTimeout(
          () => settle(() => reject(new Error('what the test waits for was not logged in time'))),
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
      await Promise.all([...processes.values()].map((deployed) => leave(deployed)));
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

/** Ends a deployed that may be stopped, or ended already. */
async function leave(deployed: DeployedProcess): Promise<void> {
  deployed.signalAll('SIGCONT');
  deployed.signal('SIGTERM');
  const timer = setTimeout(() => deployed.signalAll('SIGKILL'), STOP_TIMEOUT_MS);
  await deployed.ended;
  clearTimeout(timer);
  deployed.signalAll('SIGKILL');
}

function whenEnded(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    child.once('error', (error) => resolve(error.message));
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // nobody is left
  }
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}

/** `spawn` passes `undefined` on as a text. */
function plain(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function parse(text: string): Pick<LogLine, 'message' | 'fields'> {
  try {
    const fields = JSON.parse(text) as Record<string, unknown>; // our processes log JSON objects
    return { message: String(fields.message), fields };
  } catch {
    return { message: text, fields: {} };
  }
}
