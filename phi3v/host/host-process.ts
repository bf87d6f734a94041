import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ModelError } from '../../onnx/index.ts';
import type { ModelInfo, ModelOptions } from '../engine/index.ts';
import { deserializeError, type HostCommand, type HostEvent, type LoadEvent } from './host-protocol.ts';

/** How much of the end of the process's error output is kept to explain a crash. */
const MAX_STDERR_CHARS = 4000;

/** A process whose model is loaded. */
export interface HostProcess {
  readonly info: ModelInfo;
  readonly pid: number | undefined;
  /** Has no effect when the process has ended, which `ended` reports. */
  send(message: HostCommand): void;
  /** Resolves with a `crashed` error when the process has ended, whatever the reason. */
  readonly ended: Promise<ModelError>;
  /** Ends the process at once (SIGKILL). */
  kill(): void;
}

/**
 * Starts the process of a model host and waits until its model is loaded.
 *
 * @param receive gets every event after that.
 * @param signal kills the process while it starts.
 * @throws ModelError of `openModel`, as reported by the process; `crashed` when it ends before its model is
 * loaded.
 */
export async function startHostProcess(
  options: ModelOptions,
  receive: (message: HostEvent) => void,
  signal: AbortSignal,
): Promise<HostProcess> {
  signal.throwIfAborted();
  const child = forkHost();
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  const ended = whenEnded(child);
  const send = (message: HostCommand): void => {
    // The process may end between the check and the message: hence the callback, which ignores that error.
    if (child.connected) child.send(message, () => {});
  };
  const loaded = new Promise<ModelInfo>((resolve, reject) => {
    child.on('message', (message) => {
      const event = message as LoadEvent | HostEvent; // only host-child.ts writes to this channel
      if (event.type === 'loaded') resolve(event.info);
      else if (event.type === 'load_failed') reject(deserializeError(event.error));
      else receive(event);
    });
    void ended.then(reject);
  });
  send({ type: 'load', options });
  try {
    return { info: await loaded, pid: child.pid, send, ended, kill };
  } catch (error) {
    kill();
    throw error;
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

function forkHost(): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const entry = new URL(fromSource ? './host-child.ts' : './host-child.js', import.meta.url);
  const loader = fromSource
    ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href]
    : [];
  return fork(fileURLToPath(entry), [], {
    execArgv: loader,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

async function whenEnded(child: ChildProcess): Promise<ModelError> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MAX_STDERR_CHARS);
  });
  const exit = await new Promise<string>((resolve) => {
    // `close` is emitted after `exit`, when all error output has been read.
    child.once('close', (code, signal) => resolve(`exit ${code ?? signal}`));
    child.once('error', (error) => resolve(error.message));
  });
  return new ModelError('crashed', 'The model process ended unexpectedly.', {
    cause: new Error(`${exit}\n${stderr}`),
  });
}
