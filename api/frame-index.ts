/** From the number of a frame to its picture. */
import type { FrameDecision } from '../schema/source.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { jobArtifact } from '../store/names.ts';
import type { JobRecord } from './orchestrator.ts';

/** Jobs whose list of pictures is kept in memory: a page of the console asks for many pictures of one job. */
const JOBS_KEPT = 16;

/** Answers with the artifact names of a job's kept pictures, in order, or undefined while they are not known yet. */
export type FrameIndex = (record: JobRecord) => Promise<readonly string[] | undefined>;

/** An index over `store`. A frame list never changes once it is there, and so is read once. */
export function createFrameIndex(store: ArtifactStore): FrameIndex {
  const kept = new Map<string, readonly string[]>();
  return async function frameNames(record) {
    const list = jobArtifact(record.id, record.run, 'frames.jsonl');
    const known = kept.get(list);
    if (known) return known;
    if (!(await store.head(list))) return undefined;
    const names = namesOf(new TextDecoder().decode(await store.bytes(list)));
    const oldest = kept.size >= JOBS_KEPT ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(list, names);
    return names;
  };
}

function namesOf(lines: string): string[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FrameDecision) // written by the job from that type, checked by hash
    .flatMap((decision) => (decision.kept && decision.name !== undefined ? [decision.name] : []));
}
