/** Finds or downloads the source, probes it, and rejects unusable sources before any GPU time is spent. */

import { digest } from '../core/canonical-json.ts';
import { FrameloomError } from '../core/errors.ts';
import { detectMediaKind, type MediaTools, parsePageRanges, probeVideo } from '../media/index.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { ModelProfile } from '../schema/model-profile.ts';
import type { SummaryRequest } from '../schema/request.ts';
import type { SourceInfo } from '../schema/source.ts';
import type { IngestInput, IngestOutput } from '../schema/stages.ts';
import { jobOptions } from '../schema/stored-request.ts';
import type { Prices } from '../schema/usage-cost.ts';
import type { ArtifactInfo } from '../store/artifact-store.ts';
import { imageListName, secretName } from '../store/names.ts';
import {
  type DeckDeps,
  detachTexts,
  findSource,
  listImages,
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
        return { ...(await ingestImages(deps, refs, request, signal)), ...common };
      }
      const artifact = await findSource(deps, source, signal);
      if (source.type === 'deck') {
        const password = passwordName(input, source.password);
        const summarized = { pages: request.pages };
        const { files, title } = await prepareDeck(deps, artifact, { password, summarized, signal });
        const { sha256, pages } = files;
        const named = title === undefined ? {} : { title };
        const stated = { type: 'deck', sha256, bytes: artifact.bytes, pages, ...named } as const;
        const info = await detachTexts(store, input.jobId, stated);
        return { ...slideSource(info, artifact.name, request), deck: files, ...common };
      }
      const probed = await video(artifact, request, signal);
      const found = { ...probed, source: await detachTexts(store, input.jobId, probed.source) };
      if (!source.deck) return { ...found, ...common };
      const { files: shown } = await prepareDeck(deps, await findSource(deps, source.deck, signal), {
        password: passwordName(input, source.deck.password),
        signal,
      });
      return { ...found, deck: shown, ...common };
    });

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

async function ingestImages(
  deps: IngestDeps,
  refs: readonly SourceRef[],
  request: SummaryRequest,
  signal: AbortSignal,
): Promise<Ingested> {
  const { images, bytes } = await listImages(deps, refs, signal);
  const sha256 = await digest(images);
  const stored = await putJson(deps.store, imageListName(sha256), images);
  return slideSource({ type: 'images', sha256, bytes, pages: images.length }, stored.name, request);
}

/** The artifact of a password; the request contains its reference. */
function passwordName({ jobId }: IngestInput, password: string | undefined): string | undefined {
  return password && secretName(jobId, password);
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
