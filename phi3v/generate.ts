import { setImmediate } from 'node:timers/promises';
import type { Decoder } from './decoder.ts';
import { ModelError } from './errors.ts';
import { featureReader, type ImageFeatures } from './features.ts';

/** Tokens per prefill call: bounds the memory of logits and attention, and the time until a cancel is seen. */
const PREFILL_CHUNK = 256;

const NO_FEATURES = new Float32Array(0);

export type FinishReason = 'stop' | 'length';

/** What generation needs to know about the model. */
export interface GenerationLimits {
  readonly contextLength: number;
  readonly ropeSwitch: number;
  /** Ids that end an answer. */
  readonly stopIds: readonly number[];
  /** Ids from here on are no tokens, whatever the width of the logits. */
  readonly vocabulary: number;
}

export interface GreedyRequest {
  /** Negative numbers are image slots. */
  readonly promptIds: readonly number[];
  readonly features: readonly ImageFeatures[];
  readonly maxTokens: number;
  /** The first tokens of the answer, made by an earlier run. */
  readonly resume: readonly number[];
}

/**
 * Greedy decoding: the likeliest token, one after another, until a stop token or the length limit. `resume` is prefilled
 * together with the prompt, and the answer is then the same as that of an undisturbed run.
 *
 * The rope of this model has two sets of factors, chosen by the total length of each call, and keys in the cache keep the
 * ones they were made with. So no cache crosses `ropeSwitch`: an answer to a shorter prompt ends there, and a longer
 * prompt starts with a call beyond it.
 *
 * @throws ModelError `context_exceeded`, `prompt_invalid`, `cancelled`, `runtime`.
 */
export async function generateGreedy(
  decoder: Decoder,
  limits: GenerationLimits,
  request: GreedyRequest,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onToken?: ((token: number) => void) | undefined;
  } = {},
): Promise<{ tokens: number[]; finishReason: FinishReason }> {
  const { promptIds, resume } = request;
  const long = promptIds.length > limits.ropeSwitch;
  const room = answerRoom(promptIds.length, request.maxTokens, limits);
  checkResume(resume, room, limits);
  const tokens = [...resume];
  if (tokens.length === room) return { tokens, finishReason: 'length' };

  const stops = new Set(limits.stopIds);
  const takeFeatures = featureReader(request.features);
  const ids = [...promptIds, ...resume];
  const sequence = decoder.open(promptIds.length + room, ids.length);
  try {
    let logits: Float32Array | undefined;
    for (const [start, end] of prefillChunks(ids.length, long ? limits.ropeSwitch + 1 : 0)) {
      await yieldUnlessCancelled(options.signal);
      const chunk = ids.slice(start, end);
      const features = takeFeatures(chunk.reduce((slots, id) => (id < 0 ? slots + 1 : slots), 0));
      if (end < ids.length) await sequence.append(chunk, features, start);
      else logits = await sequence.predict(chunk, features, start);
    }
    while (logits !== undefined) {
      const token = likeliest(logits, limits.vocabulary);
      if (stops.has(token)) return { tokens, finishReason: 'stop' };
      tokens.push(token);
      ids.push(token);
      options.onToken?.(token);
      if (tokens.length === room) break;
      await yieldUnlessCancelled(options.signal);
      // ONNX Runtime multiplies one row with another kernel than several, and the last bits differ. Steps of two rows,
      // the last one again and the new one, leave the very cache that a prefill of all tokens leaves.
      logits = await sequence.predict(ids.slice(-2), NO_FEATURES, ids.length - 2);
    }
    return { tokens, finishReason: 'length' };
  } finally {
    sequence.close();
  }
}

/** How many tokens the answer may have. */
function answerRoom(promptTokens: number, maxTokens: number, limits: GenerationLimits): number {
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new ModelError('prompt_invalid', 'The number of tokens to generate must be a positive integer.');
  }
  if (promptTokens + maxTokens > limits.contextLength) {
    const sum = `${promptTokens} tokens of prompt and ${maxTokens} of answer`;
    throw new ModelError(
      'context_exceeded',
      `${sum} do not fit into the context of ${limits.contextLength}.`,
    );
  }
  return promptTokens <= limits.ropeSwitch
    ? Math.min(maxTokens, limits.ropeSwitch - promptTokens)
    : maxTokens;
}

function checkResume(resume: readonly number[], room: number, limits: GenerationLimits): void {
  const isToken = (id: number): boolean =>
    Number.isSafeInteger(id) && id >= 0 && id < limits.vocabulary && !limits.stopIds.includes(id);
  if (resume.length > room || !resume.every(isToken)) {
    throw new ModelError(
      'prompt_invalid',
      'The tokens to resume from are not the start of an answer to this prompt.',
    );
  }
}

/**
 * `[start, end)` of each prefill call. The first is at least `first` long. None is a single row where it can be helped,
 * for the reason given above.
 */
function* prefillChunks(length: number, first: number): Generator<[start: number, end: number]> {
  let size = Math.max(first, PREFILL_CHUNK);
  for (let start = 0; start < length; size = PREFILL_CHUNK) {
    const end = start + size >= length - 1 ? length : start + size;
    yield [start, end];
    start = end;
  }
}

/** Lets messages in, such as a cancel: running a graph blocks the event loop. */
async function yieldUnlessCancelled(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw new ModelError('cancelled', 'The generation was cancelled.');
}

function likeliest(logits: Float32Array, vocabulary: number): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  const width = Math.min(vocabulary, logits.length);
  for (let id = 0; id < width; id++) {
    const logit = logits[id] ?? Number.NaN;
    if (logit > most) {
      most = logit;
      best = id;
    }
  }
  if (most === Number.NEGATIVE_INFINITY) throw new ModelError('runtime', 'The model gave no usable logits.');
  return best;
}
