/**
 * Appends to the event log of a job: one artifact per event, named by its number. A workflow task that runs
 * again may group its events differently. With one artifact per event, each is still written exactly once.
 */

import type { WorkflowActivities } from '../schema/activities.ts';
import type { JobEvent } from '../schema/events.ts';
import { ENTRIES_PER_SHARD, type PlanShard } from '../schema/shards.ts';
import type { JobRef, LoggedEvent, SegmentCompletedRef } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { eventsName } from '../store/names.ts';
import { frameImagePath } from '../summary/result-segments.ts';
import { createShardReader, findGeneration, putJson } from './lib/index.ts';

export function createAppendEvents({
  store,
}: {
  readonly store: ArtifactStore;
}): WorkflowActivities['appendEvents'] {
  const readPlan = createShardReader<PlanShard>(store);

  return async ({ jobId, run, events }) => {
    const ref = { jobId, run };
    const full = await Promise.all(events.map((event) => withTexts(event, ref)));
    // In order: a reader that finds an event must find all events before it.
    for (const event of full) await putJson(store, eventsName(jobId, run, event.id), [event]);
  };

  /** Replaces the references of an event by captions. */
  async function withTexts(event: LoggedEvent, ref: JobRef): Promise<JobEvent> {
    if (event.type === 'chapter.completed') {
      // Workflows of earlier versions refer to the title as well, which has not been checked.
      return { ...event, chapter: { index: event.chapter.index } };
    }
    if (event.type !== 'segment.completed') return event;
    const { index, generation, cached } = event.segment;
    const [plan, captions] = await Promise.all([
      readPlan(ref, 'segments', Math.floor(index / ENTRIES_PER_SHARD)),
      captionsOf(generation),
    ]);
    const { first = 0, frames = [], start_time, end_time } = plan.segments[index % ENTRIES_PER_SHARD] ?? {};
    return {
      ...(event satisfies SegmentCompletedRef),
      segment: {
        index,
        ...(start_time === undefined ? {} : { start_time }),
        ...(start_time === undefined || end_time === undefined ? {} : { end_time }),
        frames: frames.map(({ time, slide, crops }, offset) => ({
          index: first + offset,
          ...(time === undefined ? {} : { time }),
          ...(slide === undefined ? {} : { slide }),
          caption: captions[offset] ?? '',
          // A slide without an image has nothing to preprocess either.
          ...(crops === undefined ? {} : { image: frameImagePath(ref.jobId, first + offset) }),
        })),
        cached,
      },
    };
  }

  async function captionsOf(generation: string): Promise<readonly string[]> {
    // The log continues without missing captions. Later stages generate them again.
    return (await findGeneration(store, generation))?.lines ?? [];
  }
}
