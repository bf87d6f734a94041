/** One child process that is kept running: started, awaited, started again when it dies, and stopped without a trace. */
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
  /** What to run; asked before each start. `ready` is what the child told when it was last ready. */
  readonly launch: (ready: Ready | undefined) => Promise<Launch>;
  /** Whether its log lines of level `error` reach the terminal too. */
  readonly forwardsErrors: boolean;
  /** Whether the child has an IPC channel, by which it also notices that the supervisor is gone. */
  readonly ipc: boolean;
  /** Resolves when this start of the child is ready for use. `signal` aborts when it died. */
  readonly waitUntilReady: (child: ChildProcess, signal: AbortSignal) => Promise<Ready>;
  /** Called with each start; what it returns is called when that process has ended. */
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
  /** One line for the terminal: something a person should know. */
  readonly onMessage: (line: string) => void;
  /** Called with every change of the process. */
  readonly onChange: () => void;
  /** Called when the child is given up after it had been ready. */
  readonly onFailed: (error: ChildProcessError) => void;
}

const STARTS_BEFORE_GIVING_UP = 4;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** With this begins what a command says about its end. */
const MESSAGE_START = 'frameloom: ';
const LONGEST_MESSAGE_LINES = 5;
const LARGEST_LOG_BYTES = 20_000_000;
/** `frameloom` exits with this for a wrong setting, which no second start mends. */
const BAD_USAGE = 2;

export function startSupervisedProcess<Ready>(
  spec: ProcessSpec<Ready>,
  on: SupervisionCallbacks,
): SupervisedProcess<Ready> {
  const stopping = new AbortController();
  const first = deferred<Ready>();
  first.promise.catch(() => {}); // a caller that only stops the child need not look at it
  const log = openLog(spec.logFile);
  let child: ChildProcess | undefined;
  let ready: Ready | undefined;
  let lastWords: readonly string[] = [];

  async function runOnce(): Promise<{
    readonly wasReady: boolean;
    readonly how: string;
    readonly code: number | null;
  }> {
    const { command, args, env } = await spec.launch(ready);
    if (stopping.signal.aborted) return { wasReady: false, how: 'was stopped', code: 0 };
    const died = new AbortController();
    const started = spawn(command, args, {
      env,
      // A session of its own: Ctrl-C reaches only the supervisor, which ends its children in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(spec.ipc ? (['ipc'] as const) : [])],
    });
    child = started;
    const accompanied = spec.onStart?.(started);
    on.onChange();
    for (const stream of [started.stdout, started.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        log.write(`${line}\n`);
        if (line.trim() === '') return;
        const text = textOf(line);
        lastWords = withWords(lastWords, text);
        if (spec.forwardsErrors && isError(line)) on.onMessage(`${spec.name}: ${text}`);
      });
    }
    let wasReady = false;
    spec.waitUntilReady(started, died.signal).then(
      (value) => {
        wasReady = true;
        ready = value;
        first.resolve(value);
      },
      () => started.kill('SIGKILL'),
    );
    const closed = new Promise((resolve) => started.once('close', resolve));
    const { code, signal } = await ended(started);
    died.abort();
    accompanied?.();
    killGroup(started); // what it left behind, such as the model host of a killed worker
    if (started.pid !== undefined) await closed; // its last lines are in the log
    child = undefined;
    on.onChange();
    return { wasReady, how: signal ? `was ended by ${signal}` : `exited with code ${code}`, code };
  }

  async function keepRunning(): Promise<void> {
    let vain = 0;
    let pause = FIRST_PAUSE_MS;
    while (!stopping.signal.aborted) {
      const started = Date.now();
      const { wasReady, how, code } = await runOnce();
      if (stopping.signal.aborted) return;
      vain = wasReady ? 0 : vain + 1;
      if (vain >= STARTS_BEFORE_GIVING_UP || (vain > 0 && code === BAD_USAGE)) {
        throw new ChildProcessError(
          `The ${spec.name} does not start: it ${how}.${lastWords.map((line) => `\n${line}`).join('')}\nIts log: ${spec.logFile}`,
        );
      }
      on.onMessage(`the ${spec.name} ${how}; starting it again`);
      pause =
        Date.now() - started > LONGEST_PAUSE_MS ? FIRST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const done = keepRunning()
    .catch((error: unknown) => {
      const failure =
        error instanceof ChildProcessError
          ? error
          : new ChildProcessError(`The ${spec.name} cannot be started.`, { cause: error });
      if (ready === undefined) first.reject(failure);
      else on.onFailed(failure);
    })
    .finally(() => log.end());

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

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => {};
  let reject: Deferred<T>['reject'] = () => {};
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: 1, signal: null }); // it could not be started at all
    });
  });
}

/** Kills the child and its own children: as a session leader it has given its id to their group. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // nobody is left
  }
}

function openLog(file: string): WriteStream {
  if (existsSync(file) && statSync(file).size > LARGEST_LOG_BYTES) renameSync(file, `${file}.old`);
  return createWriteStream(file, { flags: 'a' });
}

interface LogLine {
  readonly level?: unknown;
  readonly message?: unknown;
  readonly msg?: unknown;
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogLine; // members are checked where they are used
  } catch {
    return undefined;
  }
}

function isError(line: string): boolean {
  return String(parseLine(line)?.level).toLowerCase() === 'error';
}

/** The last line, or the whole of a message that a `frameloom` command ended with. */
function withWords(words: readonly string[], line: string): readonly string[] {
  const inMessage = words[0]?.startsWith(MESSAGE_START) && !line.startsWith(MESSAGE_START);
  return inMessage && words.length < LONGEST_MESSAGE_LINES ? [...words, line] : [line];
}

function textOf(line: string): string {
  const parsed = parseLine(line);
  return String(parsed?.message ?? parsed?.msg ?? line).slice(0, 500);
}
