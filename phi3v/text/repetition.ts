/** Tokens that a loop must have filled before it counts as one: a short answer may repeat itself for a reason. */
const LEAST_TOKENS = 48;
/** How often it must have gone round. */
const LEAST_ROUNDS = 4;
/** Longest loop looked for, in tokens: about two sentences. */
const LONGEST_LOOP = 96;

/**
 * Whether the end of `tokens` is one stretch over and over: at least four times and 48 tokens. Gives the number of tokens
 * up to the end of its first round, or undefined. A model in such a loop never leaves it by itself in greedy decoding.
 * Lists do not count: their numbers make every line another one.
 */
export function findRepetition(tokens: readonly number[]): number | undefined {
  const longest = Math.min(LONGEST_LOOP, Math.floor(tokens.length / LEAST_ROUNDS));
  for (let length = 1; length <= longest; length++) {
    const needed = Math.max(LEAST_TOKENS, length * LEAST_ROUNDS);
    if (tokens.length < needed) continue;
    let same = length;
    while (same < needed && tokens.at(-1 - same) === tokens.at(-1 - same + length)) same += 1;
    if (same < needed) continue;
    // How far back it goes.
    while (same < tokens.length && tokens.at(-1 - same) === tokens.at(-1 - same + length)) same += 1;
    return tokens.length - same + length;
  }
  return undefined;
}
