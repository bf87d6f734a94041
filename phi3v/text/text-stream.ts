import type { Tokenizer } from './tokenizer.ts';

/** Replacement character: what decoders return for the incomplete bytes of a character. */
const INCOMPLETE = '\ufffd';

/**
 * Tokens that are decoded again as context: the text of a token depends on its neighbours (a leading space,
 * the bytes of one character), which are never further away.
 */
const CONTEXT_TOKENS = 8;

/** Decodes the text of an output token by token. */
export interface TextStream {
  /** Adds a token and returns new text, which never ends within a character or a possible stop string. */
  add(token: number): string;
  /** A stop string was reached; no more text follows. */
  readonly stopped: boolean;
  /** Returns the text held back so far, at the end of the output. */
  finish(): string;
}

/** @param stops strings that end the text; they are not part of it. */
export function createTextStream(tokenizer: Tokenizer, stops: readonly string[]): TextStream {
  let window: number[] = [];
  /** Characters of the text of `window` that were moved to `pending`. */
  let taken = 0;
  let pending = '';
  let stopped = false;

  /** Moves new text of the window to `pending`. */
  function take(all: boolean): void {
    const text = tokenizer.decode(window);
    if (!all && text.endsWith(INCOMPLETE)) return;
    pending += text.slice(taken);
    taken = text.length;
    if (window.length >= 2 * CONTEXT_TOKENS) {
      // Only whole characters were taken, so a new window can start, with some tokens as context.
      const context = window.slice(-CONTEXT_TOKENS);
      const contextText = tokenizer.decode(context);
      if (!contextText.includes(INCOMPLETE)) {
        window = context;
        taken = contextText.length;
      }
    }
  }

  function release(all: boolean): string {
    const found = earliest(pending, stops);
    if (found !== undefined) {
      const text = pending.slice(0, found);
      pending = '';
      stopped = true;
      return text;
    }
    const keep = all ? 0 : longestPrefix(pending, stops);
    const text = pending.slice(0, pending.length - keep);
    pending = pending.slice(pending.length - keep);
    return text;
  }

  return {
    get stopped() {
      return stopped;
    },
    add: (token) => {
      if (stopped) return '';
      window.push(token);
      take(false);
      return release(false);
    },
    finish: () => {
      if (stopped) return '';
      take(true);
      return release(true);
    },
  };
}

/** Index of the first stop string in `text`. */
function earliest(text: string, stops: readonly string[]): number | undefined {
  const indexes = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
  return indexes.length === 0 ? undefined : Math.min(...indexes);
}

/** Number of characters at the end of `text` that may be the beginning of a stop string. */
function longestPrefix(text: string, stops: readonly string[]): number {
  const lengths = stops.map((stop) => {
    let length = Math.min(text.length, stop.length - 1);
    while (length > 0 && !text.endsWith(stop.slice(0, length))) length -= 1;
    return length;
  });
  return Math.max(0, ...lengths);
}
