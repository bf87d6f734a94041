/** From the number of a frame to its picture. */
import type { FrameDecision } from '../../schema/source.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { jobArtifact } from '../../store/names.ts';
import { type JobRecord, standingResult } from '../../temporal/orchestrator.ts';

/** Jobs whose list of pictures is kept in memory: a page of the console asks for many pictures of one job. */
const JOBS_KEPT = 16;

/** Answers with the artifact names of a job's kept pictures, in order, or undefined while they are not known yet. */
export type FrameIndex = (record: JobRecord) => Promise<readonly string[] | undefined>;

/** An index over `store`. A frame list never changes once it is there, and so is read once. */
export function createFrameIndex(store: BlobStore): FrameIndex {
  const kept = new Map<string, readonly string[]>();
  return async function frameNames(record) {
    const list = await frameList(store, record);
    if (list === undefined) return undefined;
    const known = kept.get(list);
    if (known) return known;
    const names = namesOf(new TextDecoder().decode(await store.bytes(list)));
    const oldest = kept.size >= JOBS_KEPT ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(list, names);
    return names;
  };
}

/** Artifact with the frame list of a job: of its run, or of the one whose result stands while a retry has not got so far. */
export async function frameList(store: BlobStore, record: JobRecord): Promise<string | undefined> {
  for (const run of [record.run, standingResult(record)?.run]) {
    const name = run === undefined ? undefined : jobArtifact(record.id, run, 'frames.jsonl');
    if (name !== undefined && (await store.head(name))) return name;
  }
  return undefined;
}

function namesOf(lines: string): string[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FrameDecision) // written by the job from that type, checked by hash
    .flatMap((decision) => (decision.kept && decision.name !== undefined ? [decision.name] : []));
}
