/** Finds speech in sound with Silero VAD. */
import type { Graph, OrtRuntime, Tensor } from '../onnx/index.ts';
import { SAMPLE_RATE } from './log-mel.ts';

/** Samples from `start` to `end`, excluded. */
export interface SpeechSpan {
  readonly start: number;
  readonly end: number;
}

/** The model looks at 512 new samples and 64 before them. */
const STEP_SAMPLES = 512;
const CONTEXT_SAMPLES = 64;
const STATE_DIMS = [2, 1, 128] as const;
/** Speech begins above the first probability and ends below the second. Source: Silero's `get_speech_timestamps`. */
const BEGIN_PROBABILITY = 0.5;
const END_PROBABILITY = 0.35;
/** Shorter pauses do not end a span, shorter spans are noise, and spans get this margin, in samples. */
const MIN_PAUSE = 0.5 * SAMPLE_RATE;
const MIN_SPEECH = 0.25 * SAMPLE_RATE;
const MARGIN = 0.2 * SAMPLE_RATE;

export interface VoiceModel {
  readonly graph: Graph;
  readonly runtime: OrtRuntime;
}

/**
 * Returns the spans of `samples` with speech, in order and apart from each other.
 *
 * @throws ModelError `runtime` if ONNX Runtime fails; the reason of the signal.
 */
export async function findSpeech(
  model: VoiceModel,
  samples: Float32Array,
  signal?: AbortSignal,
): Promise<readonly SpeechSpan[]> {
  return spansOf(await probabilitiesOf(model, samples, signal), samples.length);
}

async function probabilitiesOf(
  { graph, runtime }: VoiceModel,
  samples: Float32Array,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const steps = Math.ceil(samples.length / STEP_SAMPLES);
  const probabilities = new Float32Array(steps);
  const input = new Float32Array(CONTEXT_SAMPLES + STEP_SAMPLES);
  const probability = new Float32Array(1);
  const state = new Float32Array(STATE_DIMS[0] * STATE_DIMS[1] * STATE_DIMS[2]);
  const nextState = new Float32Array(state.length);
  const rate = BigInt64Array.of(BigInt(SAMPLE_RATE));
  const tensors = {
    input: runtime.createTensor(input, [1, input.length]),
    state: runtime.createTensor(state, STATE_DIMS),
    rate: runtime.createTensor(rate, []),
    probability: runtime.createTensor(probability, [1, 1]),
    nextState: runtime.createTensor(nextState, STATE_DIMS),
  } satisfies Record<string, Tensor>;
  try {
    for (let step = 0; step < steps; step++) {
      if (step % 256 === 0) signal?.throwIfAborted();
      input.copyWithin(0, STEP_SAMPLES);
      const part = samples.subarray(step * STEP_SAMPLES, (step + 1) * STEP_SAMPLES);
      input.fill(0, CONTEXT_SAMPLES).set(part, CONTEXT_SAMPLES);
      await graph.run(
        [
          ['input', tensors.input],
          ['state', tensors.state],
          ['sr', tensors.rate],
        ],
        [
          ['output', tensors.probability],
          ['stateN', tensors.nextState],
        ],
      );
      state.set(nextState);
      probabilities[step] = probability[0] ?? 0;
    }
  } finally {
    for (const tensor of Object.values(tensors)) tensor.release();
  }
  return probabilities;
}

function spansOf(probabilities: Float32Array, length: number): readonly SpeechSpan[] {
  const spans: SpeechSpan[] = [];
  let start: number | undefined;
  let end = 0; // after the last sample that was speech
  const close = (): void => {
    if (start === undefined) return;
    if (end - start >= MIN_SPEECH) addSpan(spans, start, end, length);
    start = undefined;
  };
  for (const [step, probability] of probabilities.entries()) {
    const at = step * STEP_SAMPLES;
    if (start === undefined && probability >= BEGIN_PROBABILITY) start = at;
    if (start === undefined) continue;
    if (probability >= END_PROBABILITY) end = at + STEP_SAMPLES;
    else if (at + STEP_SAMPLES - end >= MIN_PAUSE) close();
  }
  close();
  return spans;
}

/** Adds a span with its margins, or extends the previous one where the margins meet. */
function addSpan(spans: SpeechSpan[], start: number, end: number, length: number): void {
  const span = { start: Math.max(0, start - MARGIN), end: Math.min(length, end + MARGIN) };
  const last = spans.at(-1);
  if (last !== undefined && span.start <= last.end)
    spans[spans.length - 1] = { start: last.start, end: span.end };
  else spans.push(span);
}
