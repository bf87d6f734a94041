/** Reads the text that belongs to the frames of a segment: slide text or transcript. */
import type { ResultSlide } from '../../schema/result.ts';
import type { SegmentTextRef } from '../../schema/shards.ts';
import type { Cue } from '../../schema/source.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import type { QuotedText } from '../../summary/prompts.ts';
import { slideTextLines, transcriptBetween, truncateToTokens } from '../../summary/transcript.ts';
import { getJson } from './artifacts.ts';
import type { Extraction } from './extraction.ts';

/** Returns the records of the slides of `ref`, in the same order. */
export async function readSlideRecords(
  store: ArtifactStore,
  ref: SegmentTextRef & { readonly kind: 'slides' },
): Promise<readonly (ResultSlide | undefined)[]> {
  const records = new Map<number, ResultSlide>();
  for (const name of ref.extractions) {
    for (const record of (await getJson<Extraction>(store, name)).slides) records.set(record.slide, record);
  }
  return ref.slides.map((slide) => records.get(slide));
}

/** Returns the text of `ref` that a prompt quotes, at most `tokens` tokens, or undefined if there is none. */
export async function promptText(
  store: ArtifactStore,
  ref: SegmentTextRef | undefined,
  tokens: number,
): Promise<QuotedText | undefined> {
  if (!ref || tokens === 0) return undefined;
  const lines =
    ref.kind === 'slides'
      ? slideTextLines(await readSlideRecords(store, ref), tokens)
      : [
          truncateToTokens(
            transcriptBetween(await getJson<readonly Cue[]>(store, ref.artifact), ref.start, ref.end),
            tokens,
          ),
        ];
  const said = lines.filter((line) => line !== '');
  return said.length === 0 ? undefined : { kind: ref.kind, lines: said };
}
