/** Finds or fetches the source, finds out what it is, and refuses what cannot be used before any GPU time is spent. */

import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  download,
  type MediaTools,
  openDeck,
  parsePages,
  probeVideo,
  readImage,
  sniff,
} from '../media/index.ts';
import { digest } from '../schema/canonical.ts';
import { FrameloomError } from '../schema/errors.ts';
import type { File } from '../schema/file.ts';
import type { FileId } from '../schema/ids.ts';
import type { ModelProfile } from '../schema/model-profile.ts';
import type { SourceInfo } from '../schema/source.ts';
import type { CpuActivities, IngestInput, IngestOutput } from '../schema/stages.ts';
import type { ArtifactInfo, ArtifactStore } from '../store/artifact-store.ts';
import { fileName, SOURCE } from '../store/names.ts';
import { findJson, putJson } from './artifacts.ts';
import { withHeartbeat } from './heartbeat.ts';
import { modelPlan } from './model.ts';

export interface IngestDeps {
  readonly store: ArtifactStore;
  readonly tools: MediaTools;
  readonly profile: ModelProfile;
  readonly limits: {
    readonly maxPixels: number;
    readonly maxDuration?: number;
    readonly maxPages: number;
    readonly maxBytes: number;
    readonly allowPrivate: boolean;
  };
  /** Folder for downloads under way. */
  readonly scratch: string;
}

export function createIngest(deps: IngestDeps): CpuActivities['ingest'] {
  const { store, tools, limits } = deps;
  return (input) =>
    withHeartbeat(async (signal) => {
      const model = modelPlan(deps.profile, input.detail);
      const { source } = input;
      if (source.type === 'images') {
        const artifacts = source.file_ids
          ? await inOrder(source.file_ids, uploaded)
          : await inOrder(source.urls ?? [], (url) => fetched(url, signal));
        return { ...(await images(artifacts, input)), model };
      }
      const artifact = source.file_id
        ? await uploaded(source.file_id)
        : await fetched(source.url ?? '', signal);
      return { ...(await (source.type === 'video' ? video : deck)(artifact, input, signal)), model };
    });

  async function uploaded(id: FileId): Promise<ArtifactInfo> {
    const file = await findJson<File>(store, fileName(id));
    const artifact = file && (await store.head(`${SOURCE}/${file.sha256}`));
    if (!artifact) throw new FrameloomError('source_missing', `There is no file ${id}.`);
    return artifact;
  }

  async function fetched(url: string, signal: AbortSignal): Promise<ArtifactInfo> {
    await mkdir(deps.scratch, { recursive: true }); // swept away where the worker was idle for long
    const folder = await mkdtemp(join(deps.scratch, 'download-'));
    try {
      const path = join(folder, 'source');
      await download(url, path, { maxBytes: limits.maxBytes, allowPrivate: limits.allowPrivate, signal });
      return await store.putByContent(SOURCE, createReadStream(path), { maxBytes: limits.maxBytes });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function video(
    { name, bytes, sha256 }: ArtifactInfo,
    input: IngestInput,
    signal: AbortSignal,
  ): Promise<Omit<IngestOutput, 'model'>> {
    return store.withFile(name, async (path) => {
      await expectKind(path, 'video');
      const info = {
        ...(await probeVideo(tools, path, limits, signal)),
        type: 'video',
        bytes,
        sha256,
      } as const;
      const start = input.startTime ?? 0;
      if (start >= info.duration) {
        throw new FrameloomError(
          'range_outside_source',
          `start_time is ${start} s; the video is ${info.duration.toFixed(3)} s long.`,
        );
      }
      return { source: info, artifact: name, slides: [] };
    });
  }

  async function deck(
    { name, bytes, sha256 }: ArtifactInfo,
    input: IngestInput,
  ): Promise<Omit<IngestOutput, 'model'>> {
    return store.withFile(name, async (path) => {
      await expectKind(path, 'pdf');
      using document = await openDeck(path, limits);
      return slideSource({ type: 'deck', sha256, bytes, pages: document.pages }, name, input);
    });
  }

  async function images(
    artifacts: readonly ArtifactInfo[],
    input: IngestInput,
  ): Promise<Omit<IngestOutput, 'model'>> {
    for (const [index, artifact] of artifacts.entries()) {
      try {
        await readImage(await store.bytes(artifact.name), limits);
      } catch (error) {
        if (!(error instanceof FrameloomError)) throw error;
        throw new FrameloomError(error.code, `Picture ${index + 1}: ${error.message}`, { cause: error });
      }
    }
    const names = artifacts.map((artifact) => artifact.name);
    const sha256 = await digest(names);
    const list = await putJson(store, `source-lists/${sha256}.json`, names);
    const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
    return slideSource({ type: 'images', sha256, bytes, pages: names.length }, list.name, input);
  }
}

function slideSource(
  source: SourceInfo & { readonly pages: number },
  artifact: string,
  input: IngestInput,
): Omit<IngestOutput, 'model'> {
  return { source, artifact, slides: ranges(parsePages(input.pages, source.pages)) };
}

async function expectKind(path: string, expected: 'video' | 'pdf'): Promise<void> {
  const kind = await sniff(path);
  if (kind !== expected) {
    const names = { video: 'a video', pdf: 'a PDF', image: 'a picture' };
    throw new FrameloomError(
      'unsupported_media',
      `The source is ${names[kind]}, the request says ${names[expected]}.`,
    );
  }
}

/** Consecutive numbers as `[first, last]`. */
function ranges(numbers: readonly number[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
