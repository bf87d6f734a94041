/**
 * Appends to the event log of a job: one artifact per event, named by its number. A workflow task that is done again may gather
 * its events into other batches; by single names each event is still written once and none is lost.
 */
import type { WorkflowActivities } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { eventsName } from '../store/names.ts';
import { putJson } from './artifacts.ts';

export function createAppendEvents({
  store,
}: {
  readonly store: ArtifactStore;
}): WorkflowActivities['appendEvents'] {
  return async ({ jobId, run, events }) => {
    // In order: a reader who finds an event must find those before it.
    for (const event of events) await putJson(store, eventsName(jobId, run, event.id), [event]);
  };
}
