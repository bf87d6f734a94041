import { ModelError, type ModelErrorCode } from '../../onnx/index.ts';
import type { GenerateRequest, Generation, ModelInfo, ModelOptions } from '../engine/index.ts';

/**
 * Messages between a worker and its model host over Node's IPC channel: small JSON objects. Images and
 * features are files; only their paths are sent.
 */
export type HostCommand =
  | { readonly type: 'load'; readonly options: ModelOptions }
  | { readonly type: 'generate'; readonly id: number; readonly request: GenerateRequest }
  | { readonly type: 'cancel'; readonly id: number };

/** What a host sends once its model is loaded. */
export type HostEvent =
  /**
   * Sent every `HEARTBEAT_INTERVAL_MS`. `progress` grows while there is work; `rss` is the resident memory in
   * bytes.
   */
  | { readonly type: 'heartbeat'; readonly progress: number; readonly rss: number }
  | {
      readonly type: 'output';
      readonly id: number;
      readonly tokens: readonly number[];
      readonly text: string;
    }
  | { readonly type: 'features_saved'; readonly id: number; readonly index: number }
  | { readonly type: 'completed'; readonly id: number; readonly generation: Generation }
  | { readonly type: 'failed'; readonly id: number; readonly error: SerializedError };

/** The first message of a host: the result of its `load` command. */
export type LoadEvent =
  | { readonly type: 'loaded'; readonly info: ModelInfo }
  | { readonly type: 'load_failed'; readonly error: SerializedError };

export const HEARTBEAT_INTERVAL_MS = 500;

/** A ModelError as JSON. `detail` is the message of its cause, for logs. */
export interface SerializedError {
  readonly code: ModelErrorCode;
  readonly message: string;
  readonly detail?: string | undefined;
}

export function serializeError(error: ModelError): SerializedError {
  const { code, message, cause } = error;
  return { code, message, detail: cause instanceof Error ? cause.message : undefined };
}

export function deserializeError(error: SerializedError): ModelError {
  return new ModelError(
    error.code,
    error.message,
    error.detail === undefined ? {} : { cause: new Error(error.detail) },
  );
}
