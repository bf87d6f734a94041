/** From spans to frames. The names of the extractions are stored in shards. */
import type { ExtractedState, ExtractSpan, IngestOutput, JobRef } from '../schema/stages.ts';
import { extractFrames, local } from './activities.ts';
import { sweep } from './bounded.ts';
import { isLong } from './chain.ts';
import type { EventLog } from './event-log.ts';

/** Spans in flight at once, over all CPU workers. */
const MAX_CONCURRENT_SPANS = 8;

/** Extracts the spans from `state.next`, until all are done or the history is long. */
export async function extract(
  spans: readonly ExtractSpan[],
  { source, artifact, deck, model }: IngestOutput,
  ref: JobRef,
  state: ExtractedState | undefined,
  log: Pick<EventLog, 'emit'>,
): Promise<ExtractedState> {
  const from = state?.next ?? 0;
  let { kept, gaps } = state ?? { kept: 0, gaps: 0 };
  let done = from;
  const next = await sweep({
    from,
    total: spans.length,
    limit: MAX_CONCURRENT_SPANS,
    isEnough: isLong,
    work: async (index) => {
      const found = await extractFrames({
        source,
        artifact,
        span: spans[index] as ExtractSpan, // index < spans.length
        crops: model.crops,
        ...(deck ? { deck } : {}),
      });
      done += 1;
      kept += found.kept;
      gaps += found.gaps;
      log.emit(
        { type: 'frames.extracted', kept: found.kept, dropped: found.dropped },
        { percent: 5 + (20 * done) / spans.length },
      );
      return found.extraction;
    },
    keep: (shard, entries) => local.storeShard({ ...ref, kind: 'extractions', shard, entries }),
  });
  return { next, kept, gaps };
}
