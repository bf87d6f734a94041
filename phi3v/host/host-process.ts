import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ModelError } from '../../onnx/index.ts';
import type { ModelInfo, ModelOptions } from '../engine/index.ts';
import { deserializeError, type HostCommand, type HostEvent } from './host-protocol.ts';

/** Characters of the process's error output that are kept to explain its end. */
const STDERR_KEPT = 4000;

/** One run of the model host. */
export interface HostProcess {
  readonly info: ModelInfo;
  readonly pid: number | undefined;
  /** Does nothing when the process has ended: `ended` tells that. */
  send(message: HostCommand): void;
  /** Resolves with a `crashed` error when the process has ended, for whatever reason. */
  readonly ended: Promise<ModelError>;
  kill(): void;
}

/**
 * Starts a model host and waits until its model is loaded.
 *
 * @param signal kills the process while it starts.
 * @throws ModelError what `openModel` throws, as reported by the host; `crashed` when it ended before.
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
    // Its end may come between the question and the message.
    if (child.connected) child.send(message, () => {});
  };
  const loaded = new Promise<ModelInfo>((resolve, reject) => {
    // Only the host, from the same source, writes to this channel.
    child.on('message', (message) => {
      const known = message as HostEvent;
      if (known.type === 'ready') resolve(known.info);
      else if (known.type === 'refused') reject(deserializeError(known.error));
      else receive(known);
    });
    void ended.then(reject);
  });
  send({ type: 'open', options });
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
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  const how = await new Promise<string>((resolve) => {
    // `close` comes after `exit`, when all of its error output is here.
    child.once('close', (code, signal) => resolve(`exit ${code ?? signal}`));
    child.once('error', (error) => resolve(error.message));
  });
  return new ModelError('crashed', 'The model process ended unexpectedly.', {
    cause: new Error(`${how}\n${stderr}`),
  });
}
