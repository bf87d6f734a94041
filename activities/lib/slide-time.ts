/**
 * Limits the time that one deck can take. A page of a few bytes can keep PDFium busy for any time, and a deck
 * may have thousands of them: besides two seconds per slide, all slides of a deck share five minutes. What
 * they used is an artifact, because several workers read a deck, in several attempts. Workers that read at
 * the same time may overlook what the others just used.
 */
import { digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { PAGE_TIME_LIMIT_MS } from '../../media/index.ts';
import type { DeckFiles } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { slideName } from '../../store/names.ts';
import { findJson, putJson } from './artifacts.ts';

export interface SlideTimeLimits {
  readonly perSlideMs: number;
  readonly sharedMs: number;
}

const DEFAULT_LIMITS: SlideTimeLimits = { perSlideMs: 2000, sharedMs: 300_000 };

interface UsedTime {
  readonly usedMs: number;
}

export interface SlideTime {
  /** The most that the next step of this slide may take. @throws FrameloomError `render_time_exceeded` */
  limit(): number;
  /** Records the time since this object was created. */
  end(): Promise<void>;
}

/** Starts the clock for one slide. */
export async function startSlideTime(
  store: ArtifactStore,
  { sha256, pdf }: Pick<DeckFiles, 'sha256' | 'pdf'>,
  limits: Partial<SlideTimeLimits> = {},
): Promise<SlideTime> {
  const { perSlideMs, sharedMs } = { ...DEFAULT_LIMITS, ...limits };
  const name = slideName(await digest({ sha256, pdf, what: 'time used by slow slides' }));
  const used = async (): Promise<number> => (await findJson<UsedTime>(store, name))?.usedMs ?? 0;
  const left = sharedMs - (await used());
  const started = performance.now();
  return {
    limit() {
      const elapsed = performance.now() - started;
      if (left <= 0 || elapsed >= left + perSlideMs) {
        throw new FrameloomError(
          'render_time_exceeded',
          `Slow slides used up the ${sharedMs / 1000} s that the slides of this deck share.`,
        );
      }
      return Math.min(PAGE_TIME_LIMIT_MS, left + perSlideMs - elapsed);
    },
    async end() {
      const excess = performance.now() - started - perSlideMs;
      if (excess > 0) await putJson(store, name, { usedMs: Math.round((await used()) + excess) });
    },
  };
}
