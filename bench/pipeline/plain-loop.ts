/** A job without Temporal: the same activities, called with the concurrency of the workers. */
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import {
  createCpuActivities,
  createGpuActivities,
  createWorkflowActivities,
} from '../../activities/index.ts';
import { loadSettings } from '../../config/settings.ts';
import { findMediaTools } from '../../media/index.ts';
import { jobIdFor, newFileId } from '../../schema/ids.ts';
import { SummaryRequest } from '../../schema/request.ts';
import { ENTRIES_PER_SHARD, type MergeOutcome, type SegmentOutcome } from '../../schema/shards.ts';
import type { ExtractSpan, StoreShardInput } from '../../schema/stages.ts';
import { REQUEST_VERSION, type StoredRequest } from '../../schema/stored-request.ts';
import { NO_USAGE } from '../../schema/usage-cost.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { fileName, requestName, SOURCES } from '../../store/names.ts';
import { planSpans, videoRange } from '../../summary/plan.ts';
import { resolveModel, startGenerator } from '../../workers/models/index.ts';

export interface PlainRun {
  /** From the first activity to the last, without the start of the model. */
  readonly milliseconds: number;
  readonly segments: number;
}

const SEGMENTS_PER_BLOCK = 4;

/** Summarizes the video at `path`, with all data under `home`. */
export async function runPlainLoop(path: string, home: string): Promise<PlainRun> {
  const settings = loadSettings({ FRAMELOOM_HOME: home, FRAMELOOM_LOG_LEVEL: 'error' });
  const logger = new DefaultLogger('ERROR');
  const installed = await resolveModel(settings);
  const { profile } = installed;
  const store = createFolderStore(join(home, 'artifacts'));
  const scratch = join(home, 'scratch');
  await mkdir(scratch, { recursive: true });
  await using generator = await startGenerator({
    settings,
    model: installed,
    logger,
    signal: new AbortController().signal,
  });
  const cpu = createCpuActivities({
    store,
    tools: await findMediaTools({ ffmpeg: process.env.FFMPEG_PATH, ffprobe: process.env.FFPROBE_PATH }),
    profile,
    scratch,
    office: undefined,
    withoutLibreOffice: 'text',
    transcription: undefined,
    limits: { maxPixels: 2 ** 26, maxPages: 100, maxBytes: 2 ** 34, allowPrivate: false },
  });
  const gpu = createGpuActivities({ store, profile, generator, scratch, keepFeatures: true });
  const { storeShard, planMerges } = createWorkflowActivities({ store });
  const call = <I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> => {
    const environment = new MockActivityEnvironment({}, { logger });
    return environment.run(() => activity(input)) as Promise<O>; // its type does not keep the return type
  };

  const { sha256 } = await store.putByContent(SOURCES, createReadStream(path));
  const file_id = newFileId();
  await store.put(fileName(file_id), new TextEncoder().encode(JSON.stringify({ id: file_id, sha256 })));
  const request = SummaryRequest.parse({ source: { type: 'video', file_id } });
  const ref = { jobId: await jobIdFor('bench', sha256), run: 'plain' };
  const began = performance.now();

  const stored: StoredRequest = { version: REQUEST_VERSION, tenant: 'bench', fingerprint: sha256, request };
  await store.put(requestName(ref.jobId), new TextEncoder().encode(JSON.stringify(stored)));
  const { source, artifact, model } = await call(cpu.ingest, { jobId: ref.jobId });
  if (source.type !== 'video') throw new TypeError('a video was asked for');
  const range = videoRange(source, request);
  const { transcript } = await call(cpu.readTranscript, { jobId: ref.jobId, source, artifact, range });
  const spans = planSpans(source, request, []);
  const extractions = await pool(spans.length, availableParallelism(), async (index) => {
    const span = spans[index] as ExtractSpan; // index < spans.length
    return (await call(cpu.extractFrames, { source, artifact, span, crops: model.crops })).extraction;
  });
  await storeEntries('extractions', extractions);
  const common = {
    ...ref,
    extractions: Math.ceil(spans.length / ENTRIES_PER_SHARD),
    maxFrames: request.sampling.max_frames,
    ...(transcript ? { transcript } : {}),
  };
  const { segments } = await call(cpu.plan, { ...common, source, model });

  const blocks = new Map<number, Promise<unknown>>();
  const described = await pool(
    segments,
    generator.info.maxConcurrency,
    async (index): Promise<SegmentOutcome> => {
      const place = {
        ...ref,
        shard: Math.floor(index / ENTRIES_PER_SHARD),
        entry: index % ENTRIES_PER_SHARD,
      };
      const block = Math.floor(index / SEGMENTS_PER_BLOCK);
      const from = (block * SEGMENTS_PER_BLOCK) % ENTRIES_PER_SHARD;
      const to = from + Math.min(SEGMENTS_PER_BLOCK, segments - block * SEGMENTS_PER_BLOCK);
      if (!blocks.has(block))
        blocks.set(block, call(cpu.preprocessFrames, { ...ref, shard: place.shard, from, to }));
      await blocks.get(block);
      const { generation, distinctCaptions, firstCaptionHash, lastCaptionHash, ...stats } = await call(
        gpu.describeSegment,
        place,
      );
      const marks =
        firstCaptionHash === undefined || lastCaptionHash === undefined
          ? {}
          : { firstCaptionHash, lastCaptionHash };
      return { index, generation, distinctCaptions, ...marks, stats };
    },
  );
  await storeEntries('described', described);

  const levels: number[] = [];
  const maxTokens = model.tokens.summary;
  let text = '';
  let title = '';
  while (levels.at(-1) !== 1) {
    const level = levels.length;
    const entries = levels.at(-1) ?? segments;
    const { groups } = await call(planMerges, { ...ref, level, entries, model });
    const merged = await pool(groups, generator.info.maxConcurrency, async (index): Promise<MergeOutcome> => {
      const kind = level === 0 ? 'section' : 'summary';
      const place = { level, shard: Math.floor(index / ENTRIES_PER_SHARD), entry: index % ENTRIES_PER_SHARD };
      const made = await call(gpu.reduce, {
        ...{ ...ref, kind, ...place, maxTokens },
        ...(groups === 1 ? { isLast: true as const } : {}),
      });
      const { title: sectionTitle, jobTitle } = made;
      return {
        text: made.generation,
        ...(sectionTitle ? { title: sectionTitle.generation } : {}),
        generations: [...(made.isUnchanged ? [] : [made]), sectionTitle, jobTitle].flatMap(
          (one) => one?.generation ?? [],
        ),
        usage: NO_USAGE,
        ...(jobTitle ? { jobTitle: jobTitle.generation } : {}),
      };
    });
    await storeEntries(`merged-${level}`, merged);
    levels.push(groups);
    text = merged.at(-1)?.text ?? '';
    title = merged.at(-1)?.jobTitle ?? '';
  }
  await call(cpu.finish, {
    ...common,
    source,
    range,
    segments,
    levels,
    summary: text,
    title,
    startedAt: new Date().toISOString(),
    model,
  });
  return { milliseconds: performance.now() - began, segments };

  async function storeEntries<K extends StoreShardInput['kind']>(
    kind: K,
    entries: Extract<StoreShardInput, { kind: K }>['entries'],
  ): Promise<void> {
    for (let first = 0; first < entries.length; first += ENTRIES_PER_SHARD) {
      const part = {
        kind,
        shard: first / ENTRIES_PER_SHARD,
        entries: entries.slice(first, first + ENTRIES_PER_SHARD),
      };
      await call(storeShard, { ...ref, ...part } as StoreShardInput); // the kind goes with its entries
    }
  }
}

/** Calls `work` for each number below `count`, `limit` at a time, and returns the results in order. */
async function pool<T>(count: number, limit: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: limit }, lane));
  return results;
}
