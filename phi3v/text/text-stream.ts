import type { Tokenizer } from './tokenizer.ts';

/** What decoders write where the bytes of a character are not all there. */
const INCOMPLETE = '\ufffd';

/**
 * Tokens a window is decoded with: text depends on its neighbours (a leading space, the bytes of one character), which
 * never lie further apart.
 */
const CONTEXT = 8;

/** Text of an answer, as it comes. */
export interface TextStream {
  /** Adds a token. Gives the text that is certain now, which never ends within a character or a possible stop string. */
  add(token: number): string;
  /** A stop string has been reached; nothing more will come. */
  readonly stopped: boolean;
  /** What has been held back, at the end of the answer. */
  finish(): string;
}

/** @param stops strings that end the text; they are not part of it. */
export function createTextStream(tokenizer: Tokenizer, stops: readonly string[]): TextStream {
  let window: number[] = [];
  /** Text of `window` that has been taken. */
  let taken = 0;
  let held = '';
  let stopped = false;

  /** Moves new text of the window to `held`. */
  function take(all: boolean): void {
    const text = tokenizer.decode(window);
    if (!all && text.endsWith(INCOMPLETE)) return;
    held += text.slice(taken);
    taken = text.length;
    if (window.length >= 2 * CONTEXT) {
      // Only whole characters have been taken, so the window may begin anew, with some tokens as context.
      const context = window.slice(-CONTEXT);
      const contextText = tokenizer.decode(context);
      if (!contextText.includes(INCOMPLETE)) {
        window = context;
        taken = contextText.length;
      }
    }
  }

  function release(all: boolean): string {
    const found = earliest(held, stops);
    if (found !== undefined) {
      const text = held.slice(0, found);
      held = '';
      stopped = true;
      return text;
    }
    const keep = all ? 0 : longestBeginning(held, stops);
    const text = held.slice(0, held.length - keep);
    held = held.slice(held.length - keep);
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

/** Where the first stop string begins. */
function earliest(text: string, stops: readonly string[]): number | undefined {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
  return places.length === 0 ? undefined : Math.min(...places);
}

/** How many characters at the end of `text` may be the beginning of a stop string. */
function longestBeginning(text: string, stops: readonly string[]): number {
  const lengths = stops.map((stop) => {
    let length = Math.min(text.length, stop.length - 1);
    while (length > 0 && !text.endsWith(stop.slice(0, length))) length -= 1;
    return length;
  });
  return Math.max(0, ...lengths);
}
