/**
 * What a job does with a video up to its pictures: the activities `ingest` and `extractFrames`, as a worker
 * runs them.
 */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import sharp from 'sharp';
import { createCpuActivities } from '../../activities/index.ts';
import type { Extraction } from '../../activities/lib/extraction.ts';
import { findMediaTools } from '../../media/index.ts';
import { jobIdFor, newFileId } from '../../schema/ids.ts';
import { ModelProfile } from '../../schema/model-profile.ts';
import { SummaryRequest, type SummaryRequestInput } from '../../schema/request.ts';
import type { Frame, VideoInfo } from '../../schema/source.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { fileName, SOURCES } from '../../store/names.ts';
import { planSpans } from '../../summary/plan.ts';
import { putRequest } from '../support/requests.ts';
import type { Pixels } from './drawing.ts';

export interface KeptFrame {
  readonly time: number;
  readonly picture: Pixels;
}

export interface Extracted {
  readonly source: VideoInfo;
  readonly frames: readonly KeptFrame[];
}

export interface Pipeline extends AsyncDisposable {
  /** Ingests the file at `path`. Throws the failure that the activity is recorded with. */
  ingest(path: string, more?: Partial<SummaryRequestInput>): Promise<VideoInfo>;
  /** The pictures a job keeps of it, all spans at once. */
  extract(path: string, more?: Partial<SummaryRequestInput>): Promise<Extracted>;
  /** What lies in the scratch folder. */
  leftovers(): Promise<readonly string[]>;
}

export async function createPipeline(): Promise<Pipeline> {
  const home = await mkdtemp(join(tmpdir(), 'frameloom-pipeline-'));
  const scratch = join(home, 'scratch');
  await mkdir(scratch);
  const store = createFolderStore(join(home, 'artifacts'));
  const profile = ModelProfile.parse(
    JSON.parse(await readFile(new URL('../../models/tiny-phi3v/frameloom.json', import.meta.url), 'utf8')),
  );
  const activities = createCpuActivities({
    store,
    tools: await findMediaTools({ ffmpeg: process.env.FFMPEG_PATH, ffprobe: process.env.FFPROBE_PATH }),
    profile,
    scratch,
    office: undefined,
    withoutLibreOffice: 'text',
    transcription: undefined,
    limits: { maxPixels: 2 ** 26, maxPages: 100, maxBytes: 2 ** 30, allowPrivate: false },
  });

  async function ingested(
    path: string,
    more: Partial<SummaryRequestInput>,
  ): Promise<{ request: SummaryRequest; source: VideoInfo; artifact: string }> {
    const { sha256 } = await store.putByContent(SOURCES, createReadStream(path));
    const id = newFileId();
    await store.put(fileName(id), new TextEncoder().encode(JSON.stringify({ id, sha256 })));
    const request = SummaryRequest.parse({ source: { type: 'video', file_id: id }, ...more });
    const jobId = await jobIdFor('test', id);
    await putRequest(store, jobId, request);
    const { source, artifact } = await inWorker(async () => activities.ingest({ jobId }));
    if (source.type !== 'video') throw new TypeError('a video was asked for');
    return { request, source, artifact };
  }

  return {
    ingest: async (path, more = {}) => (await ingested(path, more)).source,
    async extract(path, more = {}) {
      const { request, source, artifact } = await ingested(path, more);
      const spans = planSpans(source, request, []);
      const found = await Promise.all(
        spans.map((span) => inWorker(() => activities.extractFrames({ source, artifact, span, crops: 4 }))),
      );
      const frames: Frame[] = [];
      for (const { extraction } of found) {
        const bytes = await store.bytes(extraction);
        // As the activity wrote it.
        frames.push(...(JSON.parse(new TextDecoder().decode(bytes)) as Extraction).frames);
      }
      const pictures = frames.map(async ({ name, time = -1 }) => {
        return { time, picture: await decoded(await store.bytes(name)) };
      });
      return { source, frames: await Promise.all(pictures) };
    },
    leftovers: () => readdir(scratch),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

/** An activity finds its heartbeat and its cancellation in its surroundings. */
function inWorker<T>(activity: () => Promise<T>): Promise<T> {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return environment.run(activity) as Promise<T>; // its type forgets what the function answers
}

async function decoded(jpeg: Uint8Array): Promise<Pixels> {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
