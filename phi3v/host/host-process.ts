import { forkModelChild, type ModelError, whenModelChildEnded } from '../../onnx/index.ts';
import type { ModelInfo, ModelOptions } from '../engine/index.ts';
import { deserializeError, type HostCommand, type HostEvent, type LoadEvent } from './host-protocol.ts';

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
  const child = forkModelChild(new URL('./host-child.ts', import.meta.url), 'json');
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  const ended = whenModelChildEnded(child);
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
