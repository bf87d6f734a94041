/** Appends to the event log of a job: one artifact per batch, named by the number of its first event. */
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
    const [first] = events;
    if (first) await putJson(store, eventsName(jobId, run, first.id), events);
  };
}
