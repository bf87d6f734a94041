/**
 * The frames of a job: those of its extractions that fit into its frame budget. Frame numbers count these.
 */
import type { Frame } from '../../schema/source.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { selectFrames } from '../../summary/budget.ts';
import { getJson } from './artifacts.ts';
import type { Extraction } from './extraction.ts';

export interface JobFrames {
  readonly frames: readonly Frame[];
  /** Whether frame `number`, counted over all extractions, is a frame of the job. */
  isUsed(number: number): boolean;
  /** Artifact of the extraction that contains frame `number` of the job. */
  extractionOf(number: number): string;
}

/**
 * Reads each extraction once, in order, and calls `onExtraction` with it. The job has at most `maxFrames`
 * frames, or all without that limit. Throws StoreError.
 */
export async function readJobFrames(
  store: ArtifactStore,
  extractions: readonly string[],
  maxFrames: number | undefined,
  onExtraction: (extraction: Extraction) => void = () => undefined,
): Promise<JobFrames> {
  const found: { readonly frame: Frame; readonly extraction: string }[] = [];
  for (const extraction of extractions) {
    const content = await getJson<Extraction>(store, extraction);
    onExtraction(content);
    for (const frame of content.frames) found.push({ frame, extraction });
  }
  const used =
    maxFrames === undefined
      ? undefined
      : selectFrames(
          found.map(({ frame }) => frame),
          maxFrames,
        );
  const own = used === undefined ? found : found.filter((_, number) => used.has(number));
  return {
    frames: own.map(({ frame }) => frame),
    isUsed: (number) => used?.has(number) ?? true,
    extractionOf: (number) => own[number]?.extraction ?? '',
  };
}
