/** Publishes frames.jsonl of a job: every decision of the sampler, in order. Its kept lines are the frames by number. */
import type { CpuActivities, ManifestInput } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { jobArtifact } from '../store/names.ts';
import { getJson } from './artifacts.ts';
import type { Extraction } from './extraction.ts';
import { withHeartbeat } from './heartbeat.ts';

export function createWriteManifest({
  store,
}: {
  readonly store: ArtifactStore;
}): CpuActivities['writeManifest'] {
  async function* lines({ extractions }: ManifestInput): AsyncGenerator<Uint8Array> {
    for (const name of extractions) {
      const { decisions } = await getJson<Extraction>(store, name);
      yield new TextEncoder().encode(decisions.map((decision) => `${JSON.stringify(decision)}\n`).join(''));
    }
  }
  return (input) =>
    withHeartbeat(async () => {
      await store.put(jobArtifact(input.jobId, input.run, 'frames.jsonl'), lines(input));
    });
}
