/** From spans to frames: what each extraction found is named in a shard. */
import type { ExtractedState, ExtractSpan, IngestOutput, JobRef } from '../schema/stages.ts';
import { cpu, local } from './activities.ts';
import { sweep } from './bounded.ts';
import { isLong } from './chain.ts';
import type { Journal } from './event-log.ts';

/** Spans under way at once, over all CPU workers. */
const EXTRACT_AT_ONCE = 8;

/** Extracts the spans from `state.next` on, until all are done or the history is long. */
export async function extract(
  spans: readonly ExtractSpan[],
  { source, artifact, deck, model }: IngestOutput,
  ref: JobRef,
  state: ExtractedState | undefined,
  journal: Pick<Journal, 'emit'>,
): Promise<ExtractedState> {
  const from = state?.next ?? 0;
  let { kept, gaps } = state ?? { kept: 0, gaps: 0 };
  let done = from;
  const next = await sweep({
    from,
    total: spans.length,
    limit: EXTRACT_AT_ONCE,
    isEnough: isLong,
    work: async (index) => {
      const found = await cpu.extractFrames({
        source,
        artifact,
        span: spans[index] as ExtractSpan, // index < spans.length
        crops: model.crops,
        ...(deck ? { deck } : {}),
      });
      done += 1;
      kept += found.kept;
      gaps += found.gaps;
      journal.emit(
        { type: 'frames.extracted', kept: found.kept, dropped: found.dropped },
        { percent: 5 + (20 * done) / spans.length },
      );
      return found.extraction;
    },
    keep: (shard, entries) => local.storeShard({ ...ref, kind: 'extractions', shard, entries }),
  });
  return { next, kept, gaps };
}
