import { ModelError, type ModelErrorCode } from '../../onnx/index.ts';
import type { GenerateRequest, Generation, ModelInfo, ModelOptions } from '../engine/index.ts';

/**
 * Messages between a worker and its model host, over Node's IPC channel: small JSON. Pictures and features are files, and
 * only their paths travel.
 */
export type HostCommand =
  | { readonly type: 'open'; readonly options: ModelOptions }
  | { readonly type: 'generate'; readonly id: number; readonly request: GenerateRequest }
  | { readonly type: 'cancel'; readonly id: number };

export type HostEvent =
  | { readonly type: 'ready'; readonly info: ModelInfo }
  | { readonly type: 'refused'; readonly error: SerializedError }
  /** Comes every `BEAT_MS`. `progress` grows while there is work; `rss` is what the process takes, in bytes. */
  | { readonly type: 'beat'; readonly progress: number; readonly rss: number }
  | {
      readonly type: 'tokens';
      readonly id: number;
      readonly tokens: readonly number[];
      readonly text: string;
    }
  | { readonly type: 'features'; readonly id: number; readonly index: number }
  | { readonly type: 'generated'; readonly id: number; readonly generation: Generation }
  | { readonly type: 'failed'; readonly id: number; readonly error: SerializedError };

/** Milliseconds between two signs of life. */
export const HEARTBEAT_INTERVAL_MS = 500;

/** A ModelError as data. `detail` is its cause, for logs. */
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
