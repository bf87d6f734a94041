/**
 * What the model was asked for, and what of it twice, from the log lines of GPU workers: `generation started` with the tokens known,
 * `generation progress` with the tokens so far, `generation completed` once it is in the store.
 */
import type { LogLine } from './deployment.ts';

/** A checkpoint is due after a second and 32 tokens; what is under way between two processes comes on top. */
const CHECKPOINT_TOKENS = 32;
const CHECKPOINT_MS = 1000;
const ON_THE_WAY_MS = 1500;

export interface Answers {
  /** Different answers that were made. */
  readonly made: number;
  /** Times the model was asked. */
  readonly asked: number;
  /** Tokens of all finished answers. */
  readonly tokens: number;
  /** Tokens that were chosen again, because the attempt that had them died before they were in a checkpoint. */
  readonly redone: number;
  /** The most of them in one answer. */
  readonly redoneAtOnce: number;
  /** Attempts that went on from tokens of an earlier one. */
  readonly resumed: number;
  /** Answers that the model was asked for again when they were in the store. */
  readonly repeated: readonly string[];
  /** Attempts that lost more than a checkpoint interval. */
  readonly beyondInterval: readonly string[];
}

interface Attempt {
  readonly known: number;
  readonly steps: { readonly at: number; readonly tokens: number }[];
}

export function countAnswers(lines: readonly Omit<LogLine, 'processName'>[]): Answers {
  const attempts = new Map<string, Attempt>();
  const made = new Set<string>();
  const repeated = new Set<string>();
  const beyondInterval: string[] = [];
  let [asked, redone, redoneAtOnce, resumed, tokens] = [0, 0, 0, 0, 0];
  for (const { message, at, fields } of lines) {
    const generation = String(fields.generation);
    if (message === 'generation started') {
      asked += 1;
      if (made.has(generation)) repeated.add(generation);
      const known = Number(fields.known);
      if (known > 0) resumed += 1;
      const before = attempts.get(generation);
      if (before !== undefined) {
        const lost = reached(before) - known;
        redone += Math.max(0, lost);
        redoneAtOnce = Math.max(redoneAtOnce, lost);
        if (exceedsInterval(before, known)) beyondInterval.push(generation);
      }
      attempts.set(generation, { known, steps: [] });
    } else if (message === 'generation progress') {
      attempts.get(generation)?.steps.push({ at, tokens: Number(fields.tokens) });
    } else if (message === 'generation completed') {
      if (!made.has(generation)) tokens += Number(fields.outputTokens);
      made.add(generation);
    }
  }
  return {
    made: made.size,
    asked,
    tokens,
    redone,
    redoneAtOnce,
    resumed,
    repeated: [...repeated],
    beyondInterval,
  };
}

function reached({ known, steps }: Attempt): number {
  return steps.at(-1)?.tokens ?? known;
}

/** Whether a checkpoint must have been due, and written, somewhere between `known` and the last token of the attempt. */
function exceedsInterval(attempt: Attempt, known: number): boolean {
  if (reached(attempt) - known <= CHECKPOINT_TOKENS) return false;
  const first = attempt.steps.find((step) => step.tokens > known);
  const due = attempt.steps.find((step) => step.tokens >= known + CHECKPOINT_TOKENS);
  const last = attempt.steps.at(-1);
  if (first === undefined || due === undefined || last === undefined) return false;
  return last.at - Math.max(due.at, first.at + CHECKPOINT_MS) > ON_THE_WAY_MS;
}
