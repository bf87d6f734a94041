/**
 * One child process that is kept running: started, restarted when it ends, and stopped with its own children.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, renameSync, statSync, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildProcessError } from './child-process-error.ts';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ProcessSpec<Ready> {
  /** Such as `GPU worker`: for messages. */
  readonly name: string;
  readonly logFile: string;
  /**
   * Returns what to run; called before each start. `ready` is the value of the last `waitUntilReady` that
   * resolved.
   */
  readonly launch: (ready: Ready | undefined) => Promise<Launch>;
  /** Whether its log lines of level `error` are reported as messages too. */
  readonly forwardsErrors: boolean;
  /** Whether the child has an IPC channel. Its end also shows the child that the supervisor is gone. */
  readonly ipc: boolean;
  /** Resolves when the started child is ready for use. `signal` aborts when it ends. */
  readonly waitUntilReady: (child: ChildProcess, signal: AbortSignal) => Promise<Ready>;
  /** Called with each started child. The returned function is called when that child has ended. */
  readonly onStart?: (child: ChildProcess) => () => void;
}

export interface SupervisedProcess<Ready> {
  readonly name: string;
  /** Id of the process that runs at the moment. */
  readonly pid: () => number | undefined;
  /** Resolves when the child is ready for the first time; rejects with ChildProcessError. */
  readonly ready: Promise<Ready>;
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when the process and its own children are gone. */
  readonly stop: (graceMs: number) => Promise<void>;
}

export interface SupervisionCallbacks {
  /** Gets one line of text for each restart and each logged error. */
  readonly onMessage: (line: string) => void;
  /** Called when a process starts or ends. */
  readonly onChange: () => void;
  /** Called when a child that was ready once has ended at every restart. */
  readonly onFailed: (error: ChildProcessError) => void;
}

/** Consecutive starts that end before the child is ready. */
const MAX_FAILED_STARTS = 4;
/** A process that is not ready after this time is reported, so that nobody has to guess. */
const REPORT_AFTER_MS = 10_000;
const MIN_RESTART_DELAY_MS = 250;
const MAX_RESTART_DELAY_MS = 10_000;
/** Prefix of the message that a failing `frameloom` command prints last. */
const MESSAGE_PREFIX = 'frameloom: ';
const MAX_MESSAGE_LINES = 5;
const MAX_LOG_BYTES = 20_000_000;
/** `frameloom` exits with this code for a wrong setting, which no restart repairs. */
const USAGE_EXIT_CODE = 2;

/** How one run of the child ended. */
interface RunOutcome {
  readonly wasReady: boolean;
  /** Such as `exited with code 1`. */
  readonly description: string;
  readonly code: number | null;
}

/**
 * Starts the process and restarts it, after a growing delay, whenever it ends, until `stop` is called. One long
 * function, because its steps share the state of one child.
 */
export function startSupervisedProcess<Ready>(
  spec: ProcessSpec<Ready>,
  callbacks: SupervisionCallbacks,
): SupervisedProcess<Ready> {
  const stopping = new AbortController();
  const first = deferred<Ready>();
  first.promise.catch(() => {}); // callers that only stop the child do not wait for it
  const output = createOutputLog(spec, callbacks.onMessage);
  let child: ChildProcess | undefined;
  let ready: Ready | undefined;

  async function runOnce(): Promise<RunOutcome> {
    const { command, args, env } = await spec.launch(ready);
    if (stopping.signal.aborted) return { wasReady: false, description: 'was stopped', code: 0 };
    const died = new AbortController();
    const started = spawn(command, args, {
      env,
      // A session of its own: Ctrl-C reaches only the supervisor, which stops its children in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(spec.ipc ? (['ipc'] as const) : [])],
    });
    child = started;
    const onEnd = spec.onStart?.(started);
    callbacks.onChange();
    output.follow(started);
    let wasReady = false;
    const late = setTimeout(() => callbacks.onMessage(output.lateMessage()), REPORT_AFTER_MS);
    spec.waitUntilReady(started, died.signal).then(
      (value) => {
        clearTimeout(late);
        wasReady = true;
        ready = value;
        first.resolve(value);
      },
      () => started.kill('SIGKILL'),
    );
    const closed = new Promise((resolve) => started.once('close', resolve));
    const { code, signal } = await waitForExit(started);
    clearTimeout(late);
    died.abort();
    onEnd?.();
    killGroup(started); // its own children, such as the model host of a killed worker
    if (started.pid !== undefined) await closed; // its last lines are in the log
    child = undefined;
    callbacks.onChange();
    return { wasReady, description: signal ? `was ended by ${signal}` : `exited with code ${code}`, code };
  }

  async function keepRunning(): Promise<void> {
    let failedStarts = 0;
    let delay = MIN_RESTART_DELAY_MS;
    // Not `retry`: it restarts a process that ran well too, and only failed starts in a row count.
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      const { wasReady, description, code } = await runOnce();
      if (stopping.signal.aborted) return;
      failedStarts = wasReady ? 0 : failedStarts + 1;
      if (failedStarts >= MAX_FAILED_STARTS || (failedStarts > 0 && code === USAGE_EXIT_CODE)) {
        throw new ChildProcessError(
          [
            `The ${spec.name} does not start: it ${description}.`,
            ...output.lastMessage(),
            `Its log: ${spec.logFile}`,
          ].join('\n'),
        );
      }
      const reason = wasReady
        ? ''
        : output
            .lastMessage()
            .slice(0, 1)
            .map((line) => ` (${line})`)
            .join('');
      callbacks.onMessage(`the ${spec.name} ${description}${reason}; starting it again`);
      const ranLong = Date.now() - startedAt > MAX_RESTART_DELAY_MS;
      delay = ranLong ? MIN_RESTART_DELAY_MS : Math.min(delay * 2, MAX_RESTART_DELAY_MS);
      await sleep(delay, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const done = keepRunning()
    .catch((error: unknown) => {
      const failure =
        error instanceof ChildProcessError
          ? error
          : new ChildProcessError(`The ${spec.name} cannot be started.`, { cause: error });
      if (ready === undefined) first.reject(failure);
      else callbacks.onFailed(failure);
    })
    .finally(output.close);

  return {
    name: spec.name,
    pid: () => child?.pid,
    ready: first.promise,
    async stop(graceMs) {
      stopping.abort();
      child?.kill('SIGTERM');
      const timer = setTimeout(() => child && killGroup(child), graceMs);
      await done;
      clearTimeout(timer);
      first.reject(new ChildProcessError(`The ${spec.name} was stopped.`));
    },
  };
}

/** Waits for the end of a process, or for the failure to start it. */
function waitForExit(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: 1, signal: null });
    });
  });
}

/** Kills the child and its own children: as the leader of a session its id is that of their process group. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // none of them runs
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => {};
  let reject: Deferred<T>['reject'] = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

interface OutputLog {
  /** Copies what the child prints to the log file. */
  follow(child: ChildProcess): void;
  /** The last line, or all lines of the message that a `frameloom` command ended with. */
  lastMessage(): readonly string[];
  /** Says that the child is not ready yet, with its last line. */
  lateMessage(): string;
  close(): void;
}

function createOutputLog(
  { name, logFile, forwardsErrors }: Pick<ProcessSpec<unknown>, 'name' | 'logFile' | 'forwardsErrors'>,
  onMessage: (line: string) => void,
): OutputLog {
  const log = openLogFile(logFile);
  let message: readonly string[] = [];
  const onLine = (line: string): void => {
    log.write(`${line}\n`);
    if (line.trim() === '') return;
    const text = messageText(line);
    const continues = message[0]?.startsWith(MESSAGE_PREFIX) && !text.startsWith(MESSAGE_PREFIX);
    message = continues && message.length < MAX_MESSAGE_LINES ? [...message, text] : [text];
    if (forwardsErrors && isErrorLine(line)) onMessage(`${name}: ${text}`);
  };
  return {
    follow(child) {
      for (const stream of [child.stdout, child.stderr]) {
        if (stream !== null) createInterface({ input: stream }).on('line', onLine);
      }
    },
    lastMessage: () => message,
    lateMessage: () =>
      `the ${name} is not ready yet. ${message[0] === undefined ? '' : `Its last message: ${message[0]} `}Its log: ${logFile}`,
    close: () => void log.end(),
  };
}

function openLogFile(file: string): WriteStream {
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.old`);
  return createWriteStream(file, { flags: 'a' });
}

interface LogLine {
  readonly level?: unknown;
  readonly message?: unknown;
  readonly msg?: unknown;
}

function parseLogLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogLine; // members are checked where they are used
  } catch {
    return undefined;
  }
}

function isErrorLine(line: string): boolean {
  return String(parseLogLine(line)?.level).toLowerCase() === 'error';
}

function messageText(line: string): string {
  const parsed = parseLogLine(line);
  return String(parsed?.message ?? parsed?.msg ?? line).slice(0, 500);
}
