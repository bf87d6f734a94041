/**
 * The modes `adaptive` and `scene`, which follow change. docs/media.md describes them for users. Ticks come at
 * five a second, and a decision is made once the next `LOOKAHEAD_TICKS` of them are known.
 *
 * Decisions are made window by window. Each window starts afresh: the ticks of the last seconds before it are
 * its context, and the last frame of them counts as the last kept frame. The decisions of a window therefore
 * depend on the video alone, not on where extraction began, and windows can be processed in parallel.
 *
 * A frame that stays on display is decided on at each of its ticks, and is kept if any of them asks for it.
 *
 * The rules are in change-rules.ts, the view of the current tick and those after it in lookahead.ts.
 */
import { decideOn, initialPace, type SamplerState } from './change-rules.ts';
import type { CandidateFrame, Decision } from './frames.ts';
import { Lookahead } from './lookahead.ts';
import { createMotionMask } from './motion-mask.ts';
import { SHOT_LOOKAHEAD } from './shots.ts';
import type { Tick } from './ticks.ts';

/** Ticks known after the one decided on. */
export const LOOKAHEAD_TICKS = SHOT_LOOKAHEAD;
/** Ticks before a window that are its context. */
export const CONTEXT_TICKS = 20;

type Decided = readonly [frame: CandidateFrame, decision: Decision];

export interface ChangeSampler {
  /** Adds the next tick and returns the decisions that are final now, in order. */
  add(tick: Tick): readonly Decided[];
  /** Returns the remaining decisions. No tick may follow. */
  end(): readonly Decided[];
}

export interface ChangeSamplerOptions {
  readonly mode: 'adaptive' | 'scene';
  /** Reason given for the first frame of a window without context, which is kept whatever it shows. */
  readonly opening: 'first' | 'chunk_start';
  /** Ticks before the window, oldest first; empty where the window begins a chunk. */
  readonly context: readonly Tick[];
  /** End of the window in seconds: ticks from there on are only context for decisions. */
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
    compared: undefined,
    changingSince: undefined,
    pick: undefined,
    pace: initialPace(),
  };
  let dropped: Decided | undefined; // a frame that a later tick of it may still keep
  // The change of the first one is from a tick that is not part of the context everywhere.
  for (const tick of context.slice(1)) addMotion(state, tick);

  function decideNext(): readonly Decided[] {
    const tick = lookahead.at(0);
    if (!tick || !lookahead.isInWindow(0)) {
      lookahead.advance();
      return [];
    }
    const decision = decideOn(state, tick);
    addMotion(state, tick);
    lookahead.advance();
    const earlier = tick.isRepeat ? [] : takeDropped();
    if (tick.isRepeat && dropped?.[0].pts !== tick.frame.pts) return []; // kept already, or decided in another window
    if (decision.kept) {
      dropped = undefined;
      return [...earlier, [tick.frame, decision]];
    }
    if (!tick.isRepeat) dropped = [tick.frame, decision];
    return earlier;
  }

  function takeDropped(): readonly Decided[] {
    const taken = dropped ? [dropped] : [];
    dropped = undefined;
    return taken;
  }

  return {
    add(tick) {
      lookahead.add(tick);
      return lookahead.length > LOOKAHEAD_TICKS ? decideNext() : [];
    },
    end() {
      const decisions: Decided[] = [];
      while (lookahead.length > 0) decisions.push(...decideNext());
      return [...decisions, ...takeDropped()];
    },
  };
}

function addMotion(state: SamplerState, { plane, change }: Tick): void {
  state.mask ??= createMotionMask(plane);
  if (change) state.mask.add(change);
}
