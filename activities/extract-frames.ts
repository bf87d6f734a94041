/** Decodes one span of a source once, and stores the frames to describe. */

import { digest } from '../core/canonical-json.ts';
import {
  encodeJpeg,
  type MediaTools,
  mapConcurrently,
  type RgbImage,
  readImage,
  type SampledFrame,
  sampleVideo,
} from '../media/index.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { Frame, FrameDecision, VideoInfo } from '../schema/source.ts';
import type { ExtractFramesOutput, ExtractSpan } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { extractionName, FRAMES } from '../store/names.ts';
import {
  allExist,
  EXTRACTION_VERSION,
  type Extraction,
  extractSlides,
  findJson,
  getJson,
  type ListedImage,
  putJson,
  type SlideDeps,
  type SlideGap,
  type TimeGap,
  withHeartbeat,
} from './lib/index.ts';

export interface ExtractDeps {
  readonly store: ArtifactStore;
  readonly tools: MediaTools;
  readonly limits: SlideDeps['limits'];
}

export function createExtractFrames({ store, tools, limits }: ExtractDeps): CpuActivities['extractFrames'] {
  return (input) =>
    withHeartbeat(async (signal) => {
      const { source, artifact, span, deck, crops } = input;
      const name = extractionName(
        await digest({
          version: EXTRACTION_VERSION,
          source: source.sha256,
          type: source.type,
          span,
          ...(source.type === 'video' ? { track: source.videoTrack } : {}),
          ...(source.type === 'deck'
            ? { pdf: deck?.pdf, slideText: deck?.slideText, noImagesReason: deck?.noImagesReason, crops }
            : {}),
        }),
      );
      const found = await findJson<Extraction>(store, name);
      if (found && (await allExist(store, found.frames.map(frameName)))) return outputOf(name, found);
      if (span.kind === 'slides' && deck) {
        const slides = await extractSlides({ store, limits }, deck, span.slides, crops, signal);
        await putJson(store, name, slides);
        return outputOf(name, slides);
      }

      const frames: Frame[] = [];
      const decisions: FrameDecision[] = [];
      const gaps: (SlideGap | TimeGap)[] = [];
      const add: Add = ({ frame, decision }) => {
        if (frame) frames.push(frame);
        decisions.push(decision);
      };
      if (span.kind === 'video' && source.type === 'video') {
        await fromVideo(artifact, source, span, add, signal);
      } else if (span.kind === 'slides') {
        gaps.push(...(await fromImages(artifact, span.slides, add, signal)));
      }
      if (source.type === 'video') gaps.push(...missingEnd(source, span));
      const extraction: Extraction = { frames, decisions, slides: [], gaps };
      await putJson(store, name, extraction);
      return outputOf(name, extraction);
    });

  type Add = (one: { readonly frame?: Frame; readonly decision: FrameDecision }) => void;

  async function publish(decision: FrameDecision, image: RgbImage | undefined): Promise<Parameters<Add>[0]> {
    if (!image) return { decision };
    const { name } = await store.putByContent(FRAMES, await encodeJpeg(image));
    const { time, slide, score } = decision;
    const place = time === undefined ? { slide } : { time, ...(score === undefined ? {} : { score }) };
    const frame = { name, width: image.width, height: image.height, ...place } as Frame; // one of the two is there
    return { frame, decision: { ...decision, name } };
  }

  async function fromVideo(
    artifact: string,
    video: VideoInfo,
    { start, end, sampler }: ExtractSpan & { kind: 'video' },
    add: Add,
    signal: AbortSignal,
  ): Promise<void> {
    await store.withFile(artifact, async (path) => {
      const options = { signal, ...limits };
      const publishSample = ({ image, ...decision }: SampledFrame) => publish(decision, image);
      const sampled = sampleVideo(tools, { path, video, span: { start, end }, sampler, ...options });
      for await (const one of mapConcurrently(sampled, publishSample)) add(one);
    });
  }

  async function fromImages(
    artifact: string,
    numbers: readonly number[],
    add: Add,
    signal: AbortSignal,
  ): Promise<readonly SlideGap[]> {
    const gaps: SlideGap[] = [];
    const images = await getJson<readonly ListedImage[]>(store, artifact);
    for (const slide of numbers) {
      signal.throwIfAborted();
      const listed = images[slide - 1] ?? { reason: 'source_missing' };
      if (listed.reason !== undefined) {
        gaps.push({ slide, reason: listed.reason });
        continue;
      }
      const image = await readImage(await store.bytes(listed.name), limits, { page: listed.page ?? 1 });
      add(await publish({ slide, kept: true, reason: 'first', difference: 1 }, image));
    }
    return gaps;
  }
}

/** The end that is not read, as a gap of the span after which it would follow. */
function missingEnd({ missing, duration }: VideoInfo, span: ExtractSpan): Extraction['gaps'] {
  if (!missing || span.kind !== 'video' || span.end < duration) return [];
  const { start, end, reason = 'media_truncated' } = missing;
  return [{ start_time: start, end_time: end, reason }];
}

function frameName({ name }: Frame): string {
  return name;
}

function outputOf(extraction: string, { frames, decisions, gaps }: Extraction): ExtractFramesOutput {
  return {
    extraction,
    kept: frames.length,
    dropped: decisions.length - frames.length,
    gaps: gaps.length,
  };
}
