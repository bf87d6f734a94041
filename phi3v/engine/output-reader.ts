/** Turns the tokens of one generation into text, and finds where it has to end. */
import { createTextStream, findRepetition, type Tokenizer } from '../text/index.ts';
import type { FinishReason } from './generator.ts';

export interface OutputReader {
  /** Adds a token. Returns a reason when the generation ends with it. */
  add(token: number): FinishReason | undefined;
  /** Returns the whole text; of a loop, only its first round. */
  finish(reason: FinishReason): string;
}

/**
 * @param stop strings that end the text; they are not part of it.
 * @param onText gets the text as it becomes certain.
 */
export function createOutputReader(
  tokenizer: Tokenizer,
  stop: readonly string[],
  onText: ((text: string) => void) | undefined,
): OutputReader {
  const stream = createTextStream(tokenizer, stop);
  const tokens: number[] = [];
  let text = '';
  const emit = (fresh: string): void => {
    if (fresh === '') return;
    text += fresh;
    onText?.(fresh);
  };
  return {
    add: (token) => {
      tokens.push(token);
      emit(stream.add(token));
      if (stream.stopped) return 'stop';
      return findRepetition(tokens) === undefined ? undefined : 'repetition';
    },
    finish: (reason) => {
      emit(stream.finish());
      return reason === 'repetition' ? tokenizer.decode(tokens.slice(0, findRepetition(tokens))) : text;
    },
  };
}
