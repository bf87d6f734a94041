/** Finds or downloads the source, probes it, and rejects unusable sources before any GPU time is spent. */

import { digest } from '../core/canonical-json.ts';
import { FrameloomError } from '../core/errors.ts';
import {
  countImages,
  detectMediaKind,
  type MediaTools,
  parsePageRanges,
  probeVideo,
  readImage,
} from '../media/index.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { ModelProfile } from '../schema/model-profile.ts';
import type { SummaryRequest } from '../schema/request.ts';
import type { SourceInfo } from '../schema/source.ts';
import type { DeckFiles, IngestInput, IngestOutput } from '../schema/stages.ts';
import { jobOptions } from '../schema/stored-request.ts';
import type { Prices } from '../schema/usage-cost.ts';
import type { ArtifactInfo, ArtifactStore } from '../store/artifact-store.ts';
import { imageListName, secretName } from '../store/names.ts';
import {
  type DeckDeps,
  findSource,
  type ListedImage,
  modelPlan,
  prepareDeck,
  putJson,
  readRequest,
  type SourceDeps,
  type SourceRef,
  withHeartbeat,
} from './lib/index.ts';

export interface IngestDeps extends DeckDeps, SourceDeps {
  readonly tools: MediaTools;
  readonly profile: ModelProfile;
  readonly prices?: Prices | undefined;
  readonly limits: DeckDeps['limits'] & SourceDeps['limits'] & { readonly maxDuration?: number };
}

export function createIngest(deps: IngestDeps): CpuActivities['ingest'] {
  const { store, tools, limits } = deps;
  return (input) =>
    withHeartbeat(async (signal) => {
      const request = await readRequest(store, input.jobId);
      const model = modelPlan(deps.profile, request.detail);
      const options = jobOptions(request);
      const common = { options, model, ...(deps.prices ? { prices: deps.prices } : {}) };
      const { source } = request;
      if (source.type === 'images') {
        const refs: readonly SourceRef[] =
          source.file_ids?.map((file_id) => ({ file_id })) ?? (source.urls ?? []).map((url) => ({ url }));
        const find = (ref: SourceRef, index: number) => ofImage(index, () => findSource(deps, ref, signal));
        return { ...(await ingestImages(deps, await inOrder(refs, find), request)), ...common };
      }
      const artifact = await findSource(deps, source, signal);
      if (source.type === 'deck') {
        const parts = await deck(artifact, source.password, input, signal);
        const { sha256, pages } = parts;
        const info = { type: 'deck', sha256, bytes: artifact.bytes, pages } as const;
        return { ...slideSource(info, artifact.name, request), deck: parts, ...common };
      }
      const found = await video(artifact, request, signal);
      if (!source.deck) return { ...found, ...common };
      const shown = await deck(
        await findSource(deps, source.deck, signal),
        source.deck.password,
        input,
        signal,
      );
      return { ...found, deck: shown, ...common };
    });

  function deck(
    artifact: ArtifactInfo,
    password: string | undefined,
    { jobId }: IngestInput,
    signal: AbortSignal,
  ): Promise<DeckFiles> {
    return prepareDeck(deps, artifact, password && secretName(jobId, password), signal);
  }

  async function video(
    { name, bytes, sha256 }: ArtifactInfo,
    request: SummaryRequest,
    signal: AbortSignal,
  ): Promise<Ingested> {
    return store.withFile(name, async (path) => {
      await expectVideo(path);
      const wanted = request.source.type === 'video' ? request.source.tracks : undefined;
      const info = {
        ...(await probeVideo(tools, path, { ...limits, videoTrack: wanted?.video }, signal)),
        type: 'video',
        bytes,
        sha256,
      } as const;
      const start = request.start_time ?? 0;
      if (start >= info.duration) {
        throw new FrameloomError(
          'range_outside_source',
          `start_time is ${start} s; the video is ${info.duration.toFixed(3)} s long.`,
        );
      }
      return { source: info, artifact: name, slides: [] };
    });
  }
}

/** Stores the list of images. @throws FrameloomError with the number of the image that is rejected. */
async function ingestImages(
  { store, limits }: IngestDeps,
  artifacts: readonly ArtifactInfo[],
  request: SummaryRequest,
): Promise<Ingested> {
  const list: ListedImage[] = [];
  for (const [index, { name }] of artifacts.entries()) {
    list.push(...(await ofImage(index, () => pagesOf(store, limits, name))));
    if (list.length > limits.maxPages) {
      throw new FrameloomError('media_too_large', `There are more than ${limits.maxPages} images.`);
    }
  }
  const sha256 = await digest(list);
  const stored = await putJson(store, imageListName(sha256), list);
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  return slideSource({ type: 'images', sha256, bytes, pages: list.length }, stored.name, request);
}

/** Returns the images of a file. Each is decoded once, so that damaged images are rejected here. */
async function pagesOf(
  store: ArtifactStore,
  limits: IngestDeps['limits'],
  name: string,
): Promise<readonly ListedImage[]> {
  const bytes = await store.bytes(name);
  const count = await countImages(bytes, limits);
  if (count > limits.maxPages) {
    throw new FrameloomError('media_too_large', `It has ${count} pages; the limit is ${limits.maxPages}.`);
  }
  const pages: ListedImage[] = [];
  for (let page = 1; page <= count; page++) {
    await readImage(bytes, limits, { page });
    pages.push(count === 1 ? { name } : { name, page });
  }
  return pages;
}

/** The part of the output that depends on the source. */
type Ingested = Omit<IngestOutput, 'options' | 'model' | 'prices'>;

function slideSource(
  source: SourceInfo & { readonly pages: number },
  artifact: string,
  request: SummaryRequest,
): Ingested {
  return { source, artifact, slides: ranges(parsePageRanges(request.pages, source.pages)) };
}

async function expectVideo(path: string): Promise<void> {
  const kind = await detectMediaKind(path);
  if (kind !== 'video') {
    const names = { pdf: 'a PDF', pptx: 'a presentation', image: 'an image' };
    throw new FrameloomError(
      'unsupported_media',
      `The source is ${names[kind]}, but the request declares a video.`,
    );
  }
}

/** Groups consecutive numbers as `[first, last]`. */
function ranges(numbers: readonly number[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

/** Runs `work` on an image of a list. @throws FrameloomError with the number of the image. */
async function ofImage<R>(index: number, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FrameloomError)) throw error;
    const { code, message, retryAfterMs } = error;
    throw new FrameloomError(code, `Image ${index + 1}: ${message}`, { cause: error, retryAfterMs });
  }
}

async function inOrder<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) results.push(await work(item, index));
  return results;
}
