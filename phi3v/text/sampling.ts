import { ModelError } from '../../onnx/index.ts';

/** How the next token is chosen. The defaults are greedy decoding. */
export interface Sampling {
  /** Divides the logits; 0 always takes the most likely token. Default 0. */
  readonly temperature?: number | undefined;
  /** Number of most likely tokens to choose from; 0 for all. Default 0. */
  readonly topK?: number | undefined;
  /** Choose from the most likely tokens that together have this probability, in (0, 1]. Default 1. */
  readonly topP?: number | undefined;
  /**
   * Makes tokens that occurred before less likely (Keskar et al., 2019, "CTRL"), in (0, 100). 1 is no
   * penalty. Default 1.
   */
  readonly repetitionPenalty?: number | undefined;
  /** Any integer. The same seed gives the same tokens. Default 0. */
  readonly seed?: number | undefined;
}

/** Chooses tokens. It has no state, so a resumed generation continues as if it had not been interrupted. */
export interface Sampler {
  /**
   * @param logits float32 `[vocabulary]` or longer; values beyond `vocabulary` are ignored. Overwritten.
   * @param seen all ids of prompt and output so far; negative ones are image slots.
   * @param index number of output tokens so far.
   * @throws ModelError `runtime` when all logits are NaN or -infinity.
   */
  next(logits: Float32Array, seen: readonly number[], index: number): number;
}

/** @throws ModelError `prompt_invalid` when a value is outside its range. */
export function createSampler(sampling: Sampling, vocabulary: number): Sampler {
  const { temperature = 0, topK = 0, topP = 1, repetitionPenalty = 1, seed = 0 } = sampling;
  requireThat(temperature >= 0 && temperature < Number.POSITIVE_INFINITY, 'temperature must be 0 or more');
  requireThat(Number.isSafeInteger(topK) && topK >= 0, 'top_k must be a whole number, 0 for all');
  requireThat(topP > 0 && topP <= 1, 'top_p must be above 0 and at most 1');
  requireThat(repetitionPenalty > 0 && repetitionPenalty < 100, 'repetition_penalty must be above 0');
  requireThat(Number.isSafeInteger(seed), 'seed must be a whole number');
  return {
    next: (all, seen, index) => {
      const logits = all.subarray(0, Math.min(vocabulary, all.length));
      if (repetitionPenalty !== 1) penalize(logits, seen, repetitionPenalty);
      if (temperature === 0 || topK === 1) return mostLikely(logits);
      return draw(weights(logits, temperature, topK, topP), uniform(seed, index));
    },
  };
}

function requireThat(condition: boolean, message: string): void {
  if (!condition) throw new ModelError('prompt_invalid', `${message}.`);
}

function mostLikely(logits: Float32Array): number {
  let best = 0;
  let max = Number.NEGATIVE_INFINITY;
  logits.forEach((logit, id) => {
    if (logit > max) {
      max = logit;
      best = id;
    }
  });
  if (max === Number.NEGATIVE_INFINITY)
    throw new ModelError('runtime', 'The model returned no usable logits.');
  return best;
}

function penalize(logits: Float32Array, seen: readonly number[], penalty: number): void {
  for (const id of new Set(seen)) {
    const logit = id < 0 ? undefined : logits[id];
    if (logit !== undefined) logits[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

/** Unnormalized probability of every token; 0 for those that must not be drawn. */
function weights(logits: Float32Array, temperature: number, topK: number, topP: number): Float64Array {
  const max = logits[mostLikely(logits)] ?? 0;
  const all = Float64Array.from(logits, (logit) => Math.exp((logit - max) / temperature) || 0);
  if (topK === 0 && topP === 1) return all;
  const descending = all.slice().sort().reverse();
  let kept = topK === 0 ? all.length : Math.min(topK, all.length);
  const limit = sum(descending.subarray(0, kept)) * topP;
  let covered = 0;
  for (let i = 0; i < kept; i++) {
    covered += descending[i] ?? 0;
    if (covered >= limit) kept = i + 1;
  }
  const least = descending[kept - 1] ?? 0;
  // Of equally likely tokens, those with lower ids.
  let ties = descending
    .subarray(0, kept)
    .reduce((count, weight) => (weight === least ? count + 1 : count), 0);
  return all.map((weight) => (weight > least || (weight === least && ties-- > 0) ? weight : 0));
}

function draw(list: Float64Array, at: number): number {
  let left = at * sum(list);
  let last = 0;
  for (const [id, weight] of list.entries()) {
    if (weight === 0) continue;
    last = id;
    left -= weight;
    if (left < 0) break;
  }
  return last;
}

function sum(list: Float64Array): number {
  return list.reduce((total, weight) => total + weight, 0);
}

/**
 * A random number in [0, 1) from a seed and the index of a token: MurmurHash3's finalizer over both. It is
 * counter-based (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3"), so resumed and batched
 * generations draw the same.
 */
function uniform(seed: number, index: number): number {
  const low = mix(seed | 0);
  const high = mix(Math.floor(seed / 2 ** 32) ^ low);
  return mix(mix(high ^ Math.imul(index + 1, 0x9e3779b1)) ^ index) / 2 ** 32;
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
