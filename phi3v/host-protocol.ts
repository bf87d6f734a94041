import { ModelError, type ModelErrorCode } from './errors.ts';
import type { PaddedImage } from './hd-transform.ts';
import type { Generation, ModelInfo } from './model.ts';
import type { PromptPart } from './prompt.ts';

/**
 * Messages between a worker and its model host, over Node's IPC channel with structured cloning. Image features, tens of
 * megabytes for one large picture, travel in slices, so that neither side's event loop is held up.
 */

/** Without their `data`, which has gone before in slices. */
interface FeaturesShape {
  readonly tokens: number;
  readonly hiddenSize: number;
}

/** A stretch of the features of image `image` of call `id`. The slices of an image come in order. */
interface Slice {
  readonly type: 'slice';
  readonly id: number;
  readonly image: number;
  readonly data: Float32Array;
}

export type ToHost =
  | { readonly type: 'open'; readonly folder: string; readonly threads?: number | undefined }
  | { readonly type: 'encode'; readonly id: number; readonly image: PaddedImage }
  | Slice
  | {
      readonly type: 'generate';
      readonly id: number;
      readonly prompt: readonly PromptPart[];
      readonly features: readonly FeaturesShape[];
      readonly maxTokens: number;
      readonly resume: readonly number[];
    }
  | { readonly type: 'cancel'; readonly id: number };

export type FromHost =
  | { readonly type: 'ready'; readonly info: ModelInfo }
  | { readonly type: 'refused'; readonly error: WireError }
  | Slice
  | { readonly type: 'encoded'; readonly id: number; readonly features: FeaturesShape }
  | { readonly type: 'tokens'; readonly id: number; readonly tokens: readonly number[] }
  | { readonly type: 'generated'; readonly id: number; readonly generation: Generation }
  | { readonly type: 'failed'; readonly id: number; readonly error: WireError };

/** A ModelError as data. `detail` is its cause, for logs. */
export interface WireError {
  readonly code: ModelErrorCode;
  readonly message: string;
  readonly detail: string | undefined;
}

export function toWire(error: ModelError): WireError {
  const { code, message, cause } = error;
  return { code, message, detail: cause instanceof Error ? cause.message : undefined };
}

export function fromWire(error: WireError): ModelError {
  return new ModelError(
    error.code,
    error.message,
    error.detail === undefined ? {} : { cause: new Error(error.detail) },
  );
}

/** 2 MiB: a slice takes a millisecond or two to copy. */
const SLICE_FLOATS = 512 * 1024;

/** Sends `data` as slices, each after the one before has left. */
export async function sendSlices(
  send: (message: Slice) => Promise<void>,
  id: number,
  image: number,
  data: Float32Array,
): Promise<void> {
  for (let at = 0; at < data.length; at += SLICE_FLOATS) {
    await send({ type: 'slice', id, image, data: data.subarray(at, at + SLICE_FLOATS) });
  }
}

/** Puts slices together again. */
export interface SliceCollector {
  add(slice: { readonly image: number; readonly data: Float32Array }): void;
  /** The features of image `image`, whose slices have all come. */
  take(image: number, shape: FeaturesShape): { data: Float32Array; tokens: number; hiddenSize: number };
}

export function collectSlices(): SliceCollector {
  const slices = new Map<number, Float32Array[]>();
  return {
    add: ({ image, data }) => {
      const list = slices.get(image);
      if (list === undefined) slices.set(image, [data]);
      else list.push(data);
    },
    take: (image, { tokens, hiddenSize }) => {
      const data = new Float32Array(tokens * hiddenSize);
      let at = 0;
      for (const slice of slices.get(image) ?? []) {
        data.set(slice, at);
        at += slice.length;
      }
      return { data, tokens, hiddenSize };
    },
  };
}
