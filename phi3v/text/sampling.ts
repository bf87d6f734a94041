import { ModelError } from '../../onnx/index.ts';

/** How the next token is chosen. Everything left out is as greedy decoding has it. */
export interface Sampling {
  /** Divides the logits; 0 takes the likeliest token. Default 0. */
  readonly temperature?: number | undefined;
  /** Only so many of the likeliest tokens. Default: all. */
  readonly topK?: number | undefined;
  /** Only the likeliest tokens that together have this probability, in (0, 1]. Default 1. */
  readonly topP?: number | undefined;
  /** Tokens that have been seen become this much less likely (Keskar et al., 2019, CTRL). 1 is no penalty. Default 1. */
  readonly repetitionPenalty?: number | undefined;
  /** Any integer: the same one gives the same tokens. Default 0. */
  readonly seed?: number | undefined;
}

/** Chooses one token after another. Its only state is in the arguments, so a resumed answer goes on as it would have. */
export interface Sampler {
  /**
   * @param logits `[vocabulary]`; what lies beyond `vocabulary` is no token. They are changed.
   * @param seen all ids so far, prompt and answer; negative ones are image slots.
   * @param index how many tokens the answer has.
   * @throws ModelError `runtime` when no logit is a number.
   */
  next(logits: Float32Array, seen: readonly number[], index: number): number;
}

/** @throws ModelError `prompt_invalid` where a value is outside what its field says. */
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
      if (repetitionPenalty !== 1) penalise(logits, seen, repetitionPenalty);
      if (temperature === 0 || topK === 1) return likeliest(logits);
      return draw(weights(logits, temperature, topK, topP), uniform(seed, index));
    },
  };
}

function requireThat(holds: boolean, what: string): void {
  if (!holds) throw new ModelError('prompt_invalid', `${what}.`);
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  logits.forEach((logit, id) => {
    if (logit > most) {
      most = logit;
      best = id;
    }
  });
  if (most === Number.NEGATIVE_INFINITY) throw new ModelError('runtime', 'The model gave no usable logits.');
  return best;
}

function penalise(logits: Float32Array, seen: readonly number[], penalty: number): void {
  for (const id of new Set(seen)) {
    const logit = id < 0 ? undefined : logits[id];
    if (logit !== undefined) logits[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

/** Unnormalised probability of every token, 0 for those not to be drawn. */
function weights(logits: Float32Array, temperature: number, topK: number, topP: number): Float64Array {
  const most = logits[likeliest(logits)] ?? 0;
  const all = Float64Array.from(logits, (logit) => Math.exp((logit - most) / temperature) || 0);
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
  // Of tokens that are equally likely, those of lower id.
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
 * A number in [0, 1) from a seed and a place in the answer: MurmurHash3's finalizer over both. Counting instead of keeping
 * a state is what makes a resumed, or batched, answer the same (Salmon et al., 2011, "Parallel random numbers: as easy as
 * 1, 2, 3").
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
