/**
 * The modes `adaptive` and `scene`, which follow change. docs/media.md describes them for users. Candidates
 * come at five a second, and a decision is made once the next `LOOKAHEAD_CANDIDATES` of them are known.
 *
 * Decisions are made window by window. Each window starts afresh: the candidates of the last seconds before
 * it are its context, and the last of them counts as the last kept frame. The decisions of a window therefore
 * depend on the video alone, not on where extraction began, and windows can be processed in parallel.
 *
 * The rules are in change-rules.ts, the view of the current candidate and those after it in lookahead.ts.
 */
import { decideOn, initialPace, type SamplerState } from './change-rules.ts';
import type { CandidateFrame, Decision } from './frames.ts';
import { Lookahead } from './lookahead.ts';
import { createMotionMask } from './motion-mask.ts';
import { SHOT_LOOKAHEAD } from './shots.ts';

/** Candidates known after the one decided on. */
export const LOOKAHEAD_CANDIDATES = SHOT_LOOKAHEAD;
/** Candidates before a window that are its context. */
export const CONTEXT_CANDIDATES = 20;

export interface ChangeSampler {
  /** Adds the next candidate and returns the decisions that are final now, in order. */
  add(frame: CandidateFrame): readonly (readonly [CandidateFrame, Decision])[];
  /** Returns the remaining decisions. No candidate may follow. */
  end(): readonly (readonly [CandidateFrame, Decision])[];
}

export interface ChangeSamplerOptions {
  readonly mode: 'adaptive' | 'scene';
  /** Reason given for the first frame of a window without context, which is kept whatever it shows. */
  readonly opening: 'first' | 'chunk_start';
  /** Candidates before the window, oldest first; empty where the window begins a chunk. */
  readonly context: readonly CandidateFrame[];
  /** End of the window in seconds: candidates from there on are only context for decisions. */
  readonly until: number;
}

export function createChangeSampler(options: ChangeSamplerOptions): ChangeSampler {
  const { context, until } = options;
  const lookahead = new Lookahead(context, until);
  const state: SamplerState = {
    ...options,
    lookahead,
    mask: undefined,
    reference: context.at(-1),
    changingSince: undefined,
    pick: undefined,
    pace: initialPace(),
  };
  // The change of the first one is from a candidate that is not part of the context everywhere.
  for (const frame of context.slice(1)) addMotion(state, frame);

  function decideNext(): readonly (readonly [CandidateFrame, Decision])[] {
    const frame = lookahead.at(0);
    if (!frame || !lookahead.isInWindow(0)) {
      lookahead.advance();
      return [];
    }
    const decision = decideOn(state, frame);
    addMotion(state, frame);
    lookahead.advance();
    return [[frame, decision]];
  }

  return {
    add(frame) {
      lookahead.add(frame);
      return lookahead.length > LOOKAHEAD_CANDIDATES ? decideNext() : [];
    },
    end() {
      const decisions: (readonly [CandidateFrame, Decision])[] = [];
      while (lookahead.length > 0) decisions.push(...decideNext());
      return decisions;
    },
  };
}

function addMotion(state: SamplerState, { plane, change }: CandidateFrame): void {
  state.mask ??= createMotionMask(plane);
  if (change) state.mask.add(change);
}
