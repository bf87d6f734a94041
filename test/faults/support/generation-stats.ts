/**
 * Counts generations and repeated tokens from the log lines of GPU workers: `generation started` with the known tokens,
 * `generation progress` with the tokens so far, `generation completed` once the generation is in the store.
 */
import type { LogLine } from './deployment.ts';

/** A checkpoint is due after 1 s and 32 tokens, whichever is later; log lines may arrive later by LOG_DELAY_MS. */
const CHECKPOINT_TOKENS = 32;
const CHECKPOINT_MS = 1000;
const LOG_DELAY_MS = 1500;

export interface GenerationStats {
  /** Number of different completed generations. */
  readonly completed: number;
  /** Number of attempts that started. */
  readonly started: number;
  /** Output tokens of all completed generations. */
  readonly outputTokens: number;
  /** Tokens decoded twice, because an attempt ended before they were in a checkpoint. */
  readonly redoneTokens: number;
  /** The largest number of them in one generation. */
  readonly maxRedoneTokens: number;
  /** Attempts that resumed from a checkpoint of an earlier one. */
  readonly resumedAttempts: number;
  /** Generations that started again when they were already in the store. */
  readonly repeated: readonly string[];
  /** Generations with an attempt that lost more than a checkpoint interval. */
  readonly beyondInterval: readonly string[];
}

interface Attempt {
  readonly knownTokens: number;
  readonly progress: { readonly at: number; readonly tokens: number }[];
}

export function countGenerations(lines: readonly Omit<LogLine, 'processName'>[]): GenerationStats {
  const attempts = new Map<string, Attempt>();
  const completed = new Set<string>();
  const repeated = new Set<string>();
  const beyondInterval: string[] = [];
  let [started, redoneTokens, maxRedoneTokens, resumedAttempts, outputTokens] = [0, 0, 0, 0, 0];
  for (const { message, at, fields } of lines) {
    const generation = String(fields.generation);
    if (message === 'generation started') {
      started += 1;
      if (completed.has(generation)) repeated.add(generation);
      const knownTokens = Number(fields.known);
      if (knownTokens > 0) resumedAttempts += 1;
      const before = attempts.get(generation);
      if (before !== undefined) {
        const lostTokens = lastTokenCount(before) - knownTokens;
        redoneTokens += Math.max(0, lostTokens);
        maxRedoneTokens = Math.max(maxRedoneTokens, lostTokens);
        if (exceedsInterval(before, knownTokens)) beyondInterval.push(generation);
      }
      attempts.set(generation, { knownTokens, progress: [] });
    } else if (message === 'generation progress') {
      attempts.get(generation)?.progress.push({ at, tokens: Number(fields.tokens) });
    } else if (message === 'generation completed') {
      if (!completed.has(generation)) outputTokens += Number(fields.outputTokens);
      completed.add(generation);
    }
  }
  return {
    completed: completed.size,
    started,
    outputTokens,
    redoneTokens,
    maxRedoneTokens,
    resumedAttempts,
    repeated: [...repeated],
    beyondInterval,
  };
}

function lastTokenCount({ knownTokens, progress }: Attempt): number {
  return progress.at(-1)?.tokens ?? knownTokens;
}

/** Whether a checkpoint was due, and should be written, between `known` tokens and the last token of the attempt. */
function exceedsInterval(attempt: Attempt, known: number): boolean {
  if (lastTokenCount(attempt) - known <= CHECKPOINT_TOKENS) return false;
  const first = attempt.progress.find((step) => step.tokens > known);
  const due = attempt.progress.find((step) => step.tokens >= known + CHECKPOINT_TOKENS);
  const last = attempt.progress.at(-1);
  if (first === undefined || due === undefined || last === undefined) return false;
  return last.at - Math.max(due.at, first.at + CHECKPOINT_MS) > LOG_DELAY_MS;
}
