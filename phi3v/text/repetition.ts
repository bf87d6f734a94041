/** Least tokens of all rounds together: short outputs may repeat themselves for a reason. */
const MIN_REPEATED_TOKENS = 48;
const MIN_ROUNDS = 4;
/** Tokens of the longest round that is detected: about two sentences. */
const MAX_ROUND_TOKENS = 96;

/**
 * Detects a loop: the same tokens at least four times in a row at the end of `tokens`, 48 tokens or more in
 * total. In greedy decoding a model does not leave such a loop. Numbered lists are no loops, since their
 * numbers differ.
 *
 * @returns the number of tokens up to the end of the first round; undefined if there is no loop.
 */
export function findRepetition(tokens: readonly number[]): number | undefined {
  const longest = Math.min(MAX_ROUND_TOKENS, Math.floor(tokens.length / MIN_ROUNDS));
  for (let length = 1; length <= longest; length++) {
    const needed = Math.max(MIN_REPEATED_TOKENS, length * MIN_ROUNDS);
    if (tokens.length < needed) continue;
    let same = length;
    while (same < needed && tokens.at(-1 - same) === tokens.at(-1 - same + length)) same += 1;
    if (same < needed) continue;
    // Finds the first round.
    while (same < tokens.length && tokens.at(-1 - same) === tokens.at(-1 - same + length)) same += 1;
    return tokens.length - same + length;
  }
  return undefined;
}
