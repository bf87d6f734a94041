import type { Decoder } from './decoder.ts';
import { ModelError } from './errors.ts';

/** Logits that differ by no more have been rounded in another order; more is another computation. */
const ROUNDING = 1e-3;

const PROMPT_TOKENS = 8;
const STEPS = 8;

/**
 * How an interrupted answer can be taken up again so that it ends as if nothing had happened. A step's attention is
 * computed by other kernels than a prefill's. With weights in floats that is a matter of rounding, 7e-6 in the logits of
 * the bundled model; but where activations are quantised to eight bits, one more or less in the last place of the float
 * becomes a whole step of the byte, and four layers of the published int4 graph already differ by 7e-3. Then the known
 * tokens must go in one by one, as they did the first time. So: try it.
 */
export async function probeResume(decoder: Decoder, vocabulary: number): Promise<'prefill' | 'replay'> {
  const ids = Array.from({ length: PROMPT_TOKENS + STEPS }, (_, i) => 3 + ((i * 7919) % (vocabulary - 3)));
  const none = new Float32Array(0);
  const row = decoder.open(ids.length, false);
  if (row === undefined)
    throw new ModelError('memory_exceeded', 'The model has no memory for a single answer.');
  try {
    await decoder.prefill(row, ids.slice(0, PROMPT_TOKENS), 0, none, false);
    let stepped: Float32Array = none;
    for (let position = PROMPT_TOKENS; position < ids.length; position++) {
      [stepped = none] = await decoder.step([{ row, id: ids[position] ?? 0, position }]);
    }
    const kept = stepped.slice();
    const whole = await decoder.prefill(row, ids, 0, none, true);
    const most = kept.reduce((worst, logit, i) => Math.max(worst, Math.abs(logit - (whole?.[i] ?? 0))), 0);
    return most <= ROUNDING ? 'prefill' : 'replay';
  } finally {
    row.release();
  }
}
