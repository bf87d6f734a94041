/** Decodes one span of a source once and publishes the pictures worth describing. */
import {
  encodeJpeg,
  type MediaTools,
  openDeck,
  type Picture,
  readImage,
  sampleVideo,
} from '../media/index.ts';
import { digest } from '../schema/canonical.ts';
import type { ResultSlide } from '../schema/result.ts';
import type { Frame, FrameDecision, VideoInfo } from '../schema/source.ts';
import type { CpuActivities, ExtractOutput, ExtractSpan } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { extractionName, FRAMES } from '../store/names.ts';
import { findJson, getJson, putJson } from './artifacts.ts';
import { EXTRACTION_VERSION, type Extraction } from './extraction.ts';
import { withHeartbeat } from './heartbeat.ts';

export interface ExtractDeps {
  readonly store: ArtifactStore;
  readonly tools: MediaTools;
  readonly limits: { readonly maxPixels: number; readonly maxPages: number };
}

export function createExtractFrames({ store, tools, limits }: ExtractDeps): CpuActivities['extractFrames'] {
  return (input) =>
    withHeartbeat(async (signal) => {
      const { source, artifact, span } = input;
      const name = extractionName(
        await digest({ version: EXTRACTION_VERSION, source: source.sha256, type: source.type, span }),
      );
      const found = await findJson<Extraction>(store, name);
      if (found) return outputOf(name, found);

      const frames: Frame[] = [];
      const decisions: FrameDecision[] = [];
      const slides: ResultSlide[] = [];
      async function keep(picture: Picture, decision: FrameDecision): Promise<void> {
        const { name: frame } = await store.putByContent(FRAMES, await encodeJpeg(picture));
        const place = decision.time === undefined ? { slide: decision.slide } : { time: decision.time };
        frames.push({ name: frame, width: picture.width, height: picture.height, ...place } as Frame); // one of the two is there
        decisions.push({ ...decision, name: frame });
      }

      if (span.kind === 'video' && source.type === 'video') {
        await fromVideo(artifact, source, span, keep, (decision) => decisions.push(decision), signal);
      } else if (span.kind === 'slides' && source.type === 'deck') {
        await fromDeck(artifact, span.slides, keep, slides, signal);
      } else if (span.kind === 'slides') {
        await fromImages(artifact, span.slides, keep, signal);
      }
      const extraction: Extraction = { frames, decisions, slides };
      await putJson(store, name, extraction);
      return outputOf(name, extraction);
    });

  type Keep = (picture: Picture, decision: FrameDecision) => Promise<void>;

  async function fromVideo(
    artifact: string,
    video: VideoInfo,
    { start, end, first, grid }: ExtractSpan & { kind: 'video' },
    keep: Keep,
    drop: (decision: FrameDecision) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await store.withFile(artifact, async (path) => {
      for await (const { picture, ...decision } of sampleVideo(
        tools,
        path,
        video,
        { start, end, first },
        grid,
        { signal, ...limits },
      )) {
        if (picture) await keep(picture, decision);
        else drop(decision);
      }
    });
  }

  async function fromDeck(
    artifact: string,
    numbers: readonly number[],
    keep: Keep,
    slides: ResultSlide[],
    signal: AbortSignal,
  ): Promise<void> {
    await store.withFile(artifact, async (path) => {
      using deck = await openDeck(path, limits);
      for (const slide of numbers) {
        signal.throwIfAborted();
        const { picture, title, text } = await deck.page(slide);
        slides.push({ slide, ...(title === undefined ? {} : { title }), text });
        await keep(picture, { slide, kept: true, reason: 'first', difference: 1 });
      }
    });
  }

  async function fromImages(
    artifact: string,
    numbers: readonly number[],
    keep: Keep,
    signal: AbortSignal,
  ): Promise<void> {
    const names = await getJson<readonly string[]>(store, artifact);
    for (const slide of numbers) {
      signal.throwIfAborted();
      const picture = await readImage(await store.bytes(names[slide - 1] ?? ''), limits);
      await keep(picture, { slide, kept: true, reason: 'first', difference: 1 });
    }
  }
}

function outputOf(extraction: string, { frames, decisions }: Extraction): ExtractOutput {
  return { extraction, frames, dropped: decisions.length - frames.length };
}
