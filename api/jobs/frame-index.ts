/** Finds the artifact of a frame by its number. */
import type { FrameDecision } from '../../schema/source.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { jobArtifact } from '../../store/names.ts';
import { type JobRecord, standingResult } from '../../temporal/orchestrator.ts';

/** Frame lists in memory: a page of the console requests many frames of one job. */
const MAX_CACHED_JOBS = 16;

/**
 * Returns the artifact names of a job's kept frames in order, undefined for a slide without an image; or
 * undefined if they are not extracted yet.
 */
export type FrameIndex = (record: JobRecord) => Promise<readonly (string | undefined)[] | undefined>;

/** Creates an index over `store`. A frame list never changes, so it is read once. */
export function createFrameIndex(store: BlobStore): FrameIndex {
  const kept = new Map<string, readonly (string | undefined)[]>();
  return async function frameNames(record) {
    const list = await frameList(store, record);
    if (list === undefined) return undefined;
    const known = kept.get(list);
    if (known) return known;
    const names = namesOf(new TextDecoder().decode(await store.bytes(list)));
    const oldest = kept.size >= MAX_CACHED_JOBS ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(list, names);
    return names;
  };
}

/**
 * The artifact with the frame list of a job: of its current run or, until a retry has extracted its frames,
 * of the run that made the current result.
 */
export async function frameList(store: BlobStore, record: JobRecord): Promise<string | undefined> {
  for (const run of [record.run, standingResult(record)?.run]) {
    const name = run === undefined ? undefined : jobArtifact(record.id, run, 'frames.jsonl');
    if (name !== undefined && (await store.head(name))) return name;
  }
  return undefined;
}

function namesOf(lines: string): (string | undefined)[] {
  return (
    lines
      .split('\n')
      .filter((line) => line !== '')
      // Written by the workflow from this type, verified by hash.
      .map((line) => JSON.parse(line) as FrameDecision)
      .filter((decision) => decision.kept)
      .map((decision) => decision.name)
  );
}
