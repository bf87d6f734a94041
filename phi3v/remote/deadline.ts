import { ModelError } from '../../onnx/index.ts';

/** The signal of one request: aborts with its caller, with the connection, and when a step takes too long. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Replaces the current time limit. At its end `signal` aborts with ModelError `unavailable`. */
  set(milliseconds: number, message: string): void;
  /**
   * Ends the request: what is left of the response, for example after an error of the caller, is cancelled.
   */
  dispose(): void;
}

/**
 * @param closing aborts when the connection is closed; its reason is passed on.
 * @param cancelled aborts when the caller cancels, with ModelError `cancelled`.
 */
export function createDeadline(closing: AbortSignal, cancelled?: AbortSignal): Deadline {
  const controller = new AbortController();
  const close = (): void => controller.abort(closing.reason);
  const cancel = (): void => controller.abort(new ModelError('cancelled', 'The generation was cancelled.'));
  closing.addEventListener('abort', close, { once: true });
  cancelled?.addEventListener('abort', cancel, { once: true });
  if (closing.aborted) close();
  if (cancelled?.aborted) cancel();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: controller.signal,
    set: (milliseconds, message) => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(new ModelError('unavailable', message)), milliseconds);
    },
    dispose: () => {
      clearTimeout(timer);
      closing.removeEventListener('abort', close);
      cancelled?.removeEventListener('abort', cancel);
      controller.abort(new ModelError('cancelled', 'The generation has ended.'));
    },
  };
}
