/** Which tokens may follow, so that times come in pairs and never run back. Source: `ApplyTimestampRules` of OpenAI. */
import type { SpeechTokens } from './tokenizer.ts';

/** The first cue of a window begins within this many timestamps, which is one second. */
const MAX_FIRST_TIMESTAMP = 50;

/**
 * Sets the logits of tokens that may not follow `text` to negative infinity. Also forces a timestamp where
 * all of them together are more probable than any other token.
 */
export function applyTimestampRules(
  logits: Float32Array,
  text: readonly number[],
  tokens: SpeechTokens,
): void {
  const { endOfText, firstTimestamp, suppressed, suppressedFirst } = tokens;
  for (const id of suppressed) logits[id] = Number.NEGATIVE_INFINITY;
  if (text.length === 0) {
    for (const id of suppressedFirst) logits[id] = Number.NEGATIVE_INFINITY;
    logits.fill(Number.NEGATIVE_INFINITY, 0, firstTimestamp);
    logits.fill(Number.NEGATIVE_INFINITY, firstTimestamp + MAX_FIRST_TIMESTAMP + 1);
    return;
  }
  const isTime = (at: number): boolean => (text.at(at) ?? -1) >= firstTimestamp;
  const endsWithTime = isTime(-1);
  const endsWithPair = endsWithTime && (text.length < 2 || isTime(-2));
  if (endsWithPair) logits.fill(Number.NEGATIVE_INFINITY, firstTimestamp);
  else if (endsWithTime) logits.fill(Number.NEGATIVE_INFINITY, 0, endOfText);
  const last = text.findLast((id) => id >= firstTimestamp);
  if (last !== undefined) {
    // A cue may begin where the last one ended, but not end where it began.
    const lowest = endsWithTime && !endsWithPair ? last : last + 1;
    logits.fill(Number.NEGATIVE_INFINITY, firstTimestamp, lowest);
  }
  if (timestampsOutweigh(logits, firstTimestamp)) logits.fill(Number.NEGATIVE_INFINITY, 0, firstTimestamp);
}

function timestampsOutweigh(logits: Float32Array, firstTimestamp: number): boolean {
  const highestTime = highest(logits, firstTimestamp, logits.length);
  if (highestTime === Number.NEGATIVE_INFINITY) return false;
  let sum = 0;
  for (let id = firstTimestamp; id < logits.length; id++) {
    sum += Math.exp((logits[id] ?? Number.NEGATIVE_INFINITY) - highestTime);
  }
  return highestTime + Math.log(sum) > highest(logits, 0, firstTimestamp);
}

function highest(logits: Float32Array, from: number, to: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let id = from; id < to; id++) {
    const value = logits[id] ?? Number.NEGATIVE_INFINITY;
    if (value > max) max = value;
  }
  return max;
}
