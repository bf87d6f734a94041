/** Publishes frames.jsonl of a job: every decision of the sampler and of the budget, in order. Its kept lines are the frames by number. */
import type { FrameDecision } from '../schema/source.ts';
import type { CpuActivities, ManifestInput } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { jobArtifact } from '../store/names.ts';
import { getJson } from './artifacts.ts';
import type { Extraction } from './extraction.ts';
import { withHeartbeat } from './heartbeat.ts';
import { readJobFrames } from './job-frames.ts';

export function createWriteManifest({
  store,
}: {
  readonly store: ArtifactStore;
}): CpuActivities['writeManifest'] {
  async function* lines({ extractions, maxFrames }: ManifestInput): AsyncGenerator<Uint8Array> {
    const { isUsed } = await readJobFrames(store, extractions, maxFrames);
    let number = 0;
    for (const name of extractions) {
      const { decisions } = await getJson<Extraction>(store, name);
      const final = decisions.map((decision) => {
        if (!decision.kept || isUsed(number++)) return decision;
        const { name: _picture, ...rest } = decision;
        return { ...rest, kept: false, reason: 'budget' } satisfies FrameDecision;
      });
      yield new TextEncoder().encode(final.map((decision) => `${JSON.stringify(decision)}\n`).join(''));
    }
  }
  return (input) =>
    withHeartbeat(async () => {
      await store.put(jobArtifact(input.jobId, input.run, 'frames.jsonl'), lines(input));
    });
}
