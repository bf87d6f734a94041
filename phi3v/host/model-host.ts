import type { Generator, ModelInfo, ModelOptions } from '../engine/index.ts';
import { createDispatcher } from './dispatcher.ts';
import { createSupervisor, type SupervisorCallbacks } from './supervisor.ts';

export interface ModelHostOptions extends ModelOptions {
  /**
   * Milliseconds that a cancelled generation may continue, for example in a step that cannot be interrupted.
   * After that the process is killed; its other generations continue in the next process. Default 2000.
   */
  readonly cancelGraceMs?: number | undefined;
  /**
   * Milliseconds without a completed step, prefill chunk or image, while there is work, after which the
   * process counts as hung and is killed. Default 120,000.
   */
  readonly hangTimeoutMs?: number | undefined;
  /**
   * Resident bytes above which the process is replaced as soon as it is idle. Default: 1.25 times the memory
   * limit of the model, plus 512 MiB.
   */
  readonly maxProcessBytes?: number | undefined;
  /** Called with the reason whenever the process is restarted. For logs and metrics. */
  readonly onRestart?: ((reason: string) => void) | undefined;
}

/** A model in a process of its own. */
export interface ModelHost extends Generator {
  readonly info: ModelInfo;
  /** Process id of the running host; undefined from its end until the next generation starts another one. */
  readonly pid: number | undefined;
}

/**
 * Starts a process that loads a model, and waits until it is loaded. A crash, a hang or a leak in native code
 * costs a restart of that process: its generations resume in the next one from the tokens known so far, with
 * the same output. Generations that were in a crash resume one at a time, so that the one that causes it is
 * found and rejected with `crashed`, and the others complete.
 *
 * @throws ModelError `model_missing`, `model_invalid`, `memory_exceeded` or `crashed` when the model cannot
 * be loaded.
 */
export async function startModelHost(options: ModelHostOptions): Promise<ModelHost> {
  const { cancelGraceMs = 2000, hangTimeoutMs = 120_000, maxProcessBytes, onRestart, ...model } = options;
  const closing = new AbortController();
  const callbacks: SupervisorCallbacks = {
    isBusy: () => dispatcher.isBusy(),
    onEvent: (event) => dispatcher.receive(event),
    onEnd: (host, reason) => dispatcher.recover(host, reason),
  };
  const supervisor = createSupervisor(
    { model, hangTimeoutMs, maxProcessBytes, onRestart, closing: closing.signal },
    callbacks,
  );
  const dispatcher = createDispatcher(supervisor, { cancelGraceMs, closing: closing.signal });
  const close = async (): Promise<void> => {
    closing.abort();
    await supervisor.close();
    dispatcher.close();
  };
  const { info } = await supervisor.start().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    info,
    get pid() {
      return supervisor.host?.pid;
    },
    generate: (request, callOptions = {}) => dispatcher.generate(request, callOptions),
    [Symbol.asyncDispose]: close,
  };
}
