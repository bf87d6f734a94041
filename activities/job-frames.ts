/** The frames of a job: those of its extractions on which its budget is spent. Whoever counts frames counts these. */
import type { Frame } from '../schema/source.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { spendBudget } from '../summary/budget.ts';
import { getJson } from './artifacts.ts';
import type { Extraction } from './extraction.ts';

export interface JobFrames {
  readonly frames: readonly Frame[];
  /** Whether frame `number` of the extractions, counted over all of them, is one of the job's. */
  isUsed(number: number): boolean;
}

/** Reads the extractions one by one. Without `maxFrames` the job has them all. */
export async function readJobFrames(
  store: ArtifactStore,
  extractions: readonly string[],
  maxFrames: number | undefined,
): Promise<JobFrames> {
  const found: Frame[] = [];
  for (const name of extractions) found.push(...(await getJson<Extraction>(store, name)).frames);
  if (maxFrames === undefined) return { frames: found, isUsed: () => true };
  const used = spendBudget(found, maxFrames);
  return {
    frames: found.filter((_, number) => used.has(number)),
    isUsed: (number) => used.has(number),
  };
}
