/**
 * Turns one window of sound into tokens: greedily, and again with rising temperature where the text looks
 * invented. Source: `DecodingTask` and `decode_with_fallback` of OpenAI.
 */
import { deflateSync } from 'node:zlib';
import type { Tensor } from '../onnx/index.ts';
import { type DecoderGraph, type Decoding, MAX_TOKENS, startDecoding } from './decoder.ts';
import { applyTimestampRules } from './timestamp-rules.ts';
import type { SpeechTokens } from './tokenizer.ts';

export interface WindowText {
  /** Text and timestamps, without prompt and end. */
  readonly tokens: readonly number[];
  readonly language: string | undefined;
  /** Mean log probability of a token. */
  readonly logProbability: number;
  /** Probability that the window has no speech. */
  readonly noSpeech: number;
}

export interface WindowOptions {
  /** Undefined: detected, by models of several languages. */
  readonly language: string | undefined;
  /** Text that precedes the window, or names that may occur in it. */
  readonly context: string;
  readonly signal?: AbortSignal | undefined;
}

const TEMPERATURES = [0, 0.2, 0.4, 0.6, 0.8, 1] as const;
/** Text that compresses better than this repeats itself. */
const MAX_COMPRESSION = 2.4;
const MIN_LOG_PROBABILITY = -1;
const SILENCE_PROBABILITY = 0.6;
/** Half of the room is for the context and half for the text. */
const MAX_TEXT_TOKENS = MAX_TOKENS / 2;
const MAX_CONTEXT_TOKENS = MAX_TOKENS / 2 - 8;

/**
 * Decodes a window. `encoded` is the output of the encoder. Returns no tokens where the window is silent.
 *
 * @throws ModelError `runtime`; the reason of the signal.
 */
export async function decodeWindow(
  decoder: DecoderGraph,
  tokens: SpeechTokens,
  encoded: Tensor,
  options: WindowOptions,
): Promise<WindowText> {
  using decoding = startDecoding(decoder, encoded);
  const language = options.language ?? (await detectLanguage(decoding, tokens));
  let best: WindowText | undefined;
  for (const temperature of TEMPERATURES) {
    const attempt = await decodeOnce(decoding, tokens, { ...options, language, temperature });
    if (attempt.noSpeech > SILENCE_PROBABILITY && attempt.logProbability < MIN_LOG_PROBABILITY) {
      return { ...attempt, tokens: [] };
    }
    best = attempt;
    const text = tokens.decode(attempt.tokens.filter((id) => id < tokens.firstTimestamp));
    if (compressionRatio(text) <= MAX_COMPRESSION && attempt.logProbability >= MIN_LOG_PROBABILITY) break;
  }
  // Even the last attempt may repeat itself: such text is not what was said.
  const text =
    best === undefined ? '' : tokens.decode(best.tokens.filter((id) => id < tokens.firstTimestamp));
  if (best === undefined || compressionRatio(text) > MAX_COMPRESSION) {
    return { tokens: [], language, logProbability: best?.logProbability ?? 0, noSpeech: best?.noSpeech ?? 0 };
  }
  return best;
}

async function detectLanguage(decoding: Decoding, tokens: SpeechTokens): Promise<string | undefined> {
  if (tokens.languages.size === 0) return undefined;
  decoding.reset();
  const logits = await decoding.append([tokens.start]);
  let best: string | undefined;
  let highest = Number.NEGATIVE_INFINITY;
  for (const [id, language] of tokens.languages) {
    const value = logits[id] ?? Number.NEGATIVE_INFINITY;
    if (value > highest) [best, highest] = [language, value];
  }
  return best;
}

async function decodeOnce(
  decoding: Decoding,
  tokens: SpeechTokens,
  options: WindowOptions & { readonly temperature: number },
): Promise<WindowText> {
  const { language, temperature, signal } = options;
  const context =
    options.context === '' ? [] : tokens.encode(` ${options.context.trim()}`).slice(-MAX_CONTEXT_TOKENS);
  const prompt = [...(context.length > 0 ? [tokens.previous, ...context] : []), ...tokens.prompt(language)];
  decoding.reset();
  let logits = await decoding.append(prompt);
  const vocabulary = logits.length / prompt.length;
  const startAt = prompt.lastIndexOf(tokens.start) * vocabulary;
  const noSpeech = probabilityOf(logits.subarray(startAt, startAt + vocabulary), tokens.noSpeech);
  const random = seeded(Math.round(temperature * 10));
  const text: number[] = [];
  let sum = 0;
  while (text.length < MAX_TEXT_TOKENS) {
    signal?.throwIfAborted();
    const last = logits.subarray(logits.length - vocabulary);
    applyTimestampRules(last, text, tokens);
    const { id, logProbability } = choose(last, temperature, random);
    sum += logProbability;
    if (id === tokens.endOfText) break;
    text.push(id);
    logits = await decoding.append([id]);
  }
  return { tokens: text, language, logProbability: sum / (text.length + 1), noSpeech };
}

/** The most probable token, or a random one by its probability. The log probability is that without temperature. */
function choose(
  logits: Float32Array,
  temperature: number,
  random: () => number,
): { readonly id: number; readonly logProbability: number } {
  let best = 0;
  for (let id = 1; id < logits.length; id++) {
    if ((logits[id] ?? 0) > (logits[best] ?? 0)) best = id;
  }
  const highest = logits[best] ?? 0;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - highest);
  const logSum = highest + Math.log(sum);
  if (temperature > 0) {
    let total = 0;
    for (const value of logits) total += Math.exp((value - highest) / temperature);
    let left = random() * total;
    for (let id = 0; id < logits.length; id++) {
      left -= Math.exp(((logits[id] ?? 0) - highest) / temperature);
      if (left < 0) return { id, logProbability: (logits[id] ?? 0) - logSum };
    }
  }
  return { id: best, logProbability: highest - logSum };
}

function probabilityOf(logits: Float32Array, id: number): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of logits) if (value > highest) highest = value;
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - highest);
  return Math.exp((logits[id] ?? Number.NEGATIVE_INFINITY) - highest) / sum;
}

function compressionRatio(text: string): number {
  const bytes = Buffer.from(text);
  return bytes.length === 0 ? 0 : bytes.length / deflateSync(bytes).length;
}

/** Park and Miller's generator: the same sound gives the same text. */
function seeded(seed: number): () => number {
  let state = seed * 7919 + 17;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
