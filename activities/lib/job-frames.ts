/** The frames of a job: those of its extractions on which its budget is spent. Whoever counts frames counts these. */
import type { Frame } from '../../schema/source.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { selectFrames } from '../../summary/budget.ts';
import { getJson } from './artifacts.ts';
import type { Extraction } from './extraction.ts';

export interface JobFrames {
  readonly frames: readonly Frame[];
  /** Whether frame `number` of the extractions, counted over all of them, is one of the job's. */
  isUsed(number: number): boolean;
  /** Artifact of the extraction that frame `number` of the job is from. */
  extractionOf(number: number): string;
}

/**
 * Reads each extraction once, in order, and calls `onExtraction` with it. At most `maxFrames` frames are the job's; undefined:
 * all are. Throws StoreError.
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
