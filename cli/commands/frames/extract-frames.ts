/**
 * Extracts the frames of a video to a folder, as a job would, on this machine and without server, model or
 * store.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  encodeJpeg,
  findMediaTools,
  mapConcurrently,
  probeVideo,
  renderContactSheet,
  sampleVideo,
} from '../../../media/index.ts';
import type { SummaryRequest } from '../../../schema/request.ts';
import type { FrameDecision, VideoInfo } from '../../../schema/source.ts';
import { selectFrames } from '../../../summary/budget.ts';
import { planSpans, videoRange } from '../../../summary/plan.ts';

export interface ExtractOptions {
  readonly path: string;
  /** Folder to write to; created if needed. */
  readonly out: string;
  readonly request: SummaryRequest;
  readonly tools: { readonly ffmpeg?: string | undefined; readonly ffprobe?: string | undefined };
  readonly maxPixels: number;
  readonly signal: AbortSignal;
  /**
   * Called for each decision with the seconds of video done, the total, and the number of frames kept so far.
   */
  readonly onProgress: (done: number, total: number, kept: number) => void;
}

export interface ExtractedFrames {
  readonly kept: number;
  readonly considered: number;
  /** Length of the extracted range of the video. */
  readonly seconds: number;
  /** The end that could not be read, in seconds from the first displayed frame. */
  readonly missing: VideoInfo['missing'];
}

/** Limit of the contact sheet. */
const MAX_SHEET_FRAMES = 240;

/**
 * Writes `0001-00-00-00.000.jpg`…, `frames.jsonl` and `contact-sheet.jpg`. Throws the errors of the probe
 * and the decoder, or the reason of the signal; no partial file is left then.
 */
export async function extractFrames(options: ExtractOptions): Promise<ExtractedFrames> {
  const { out, path, request, maxPixels, signal } = options;
  const tools = await findMediaTools(options.tools);
  const probed = await probeVideo(tools, path, { maxPixels }, signal);
  const source = { type: 'video', sha256: '', bytes: 0, ...probed } as const;
  const range = videoRange(source, request);
  await mkdir(out, { recursive: true });
  const decisions: FrameDecision[] = [];
  const partialFiles: string[] = [];
  try {
    let start = range.start;
    for (const [sampler, end] of samplerEnds(request, source)) {
      const sampled = sampleVideo(tools, {
        path,
        video: probed,
        span: { start, end },
        sampler,
        signal,
        maxPixels,
      });
      const encoded = mapConcurrently(sampled, async ({ image, ...decision }) => ({
        decision,
        jpeg: image && (await encodeJpeg(image)),
      }));
      for await (const { decision, jpeg } of encoded) {
        decisions.push(decision);
        if (jpeg) {
          const partialFile = join(out, `.${String(partialFiles.length).padStart(6, '0')}.part`);
          partialFiles.push(partialFile);
          await writeFile(partialFile, jpeg);
        }
        options.onProgress(decision.time - range.start, range.end - range.start, partialFiles.length);
      }
      start = end;
    }
    const kept = await publishFrames(out, partialFiles, decisions, request.sampling.max_frames);
    return { kept, considered: decisions.length, seconds: range.end - range.start, missing: probed.missing };
  } finally {
    for (const partialFile of partialFiles) await rm(partialFile, { force: true });
  }
}

type VideoSpan = Extract<ReturnType<typeof planSpans>[number], { kind: 'video' }>;

/**
 * Maps each sampler of the request to the end of its range: one per chunk, regardless of the number of
 * windows.
 */
function samplerEnds(
  request: SummaryRequest,
  source: Parameters<typeof planSpans>[0],
): ReadonlyMap<VideoSpan['sampler'], number> {
  const ends = new Map<VideoSpan['sampler'], number>();
  for (const span of planSpans(source, request, []))
    if (span.kind === 'video') ends.set(span.sampler, span.end);
  return ends;
}

/**
 * Names the frames within the budget, drops the others, and writes the lists. Returns the number of kept
 * frames.
 */
async function publishFrames(
  out: string,
  partialFiles: readonly string[],
  decisions: readonly FrameDecision[],
  maxFrames: number,
): Promise<number> {
  const selected = selectFrames(
    decisions.filter(({ kept }) => kept),
    maxFrames,
  );
  const sheetFrames: { readonly image: string; readonly label: string; readonly score: number }[] = [];
  let keptCount = 0;
  const lines: string[] = [];
  for (const decision of decisions) {
    const partialFile = decision.kept ? partialFiles[keptCount++] : undefined;
    if (partialFile === undefined) {
      lines.push(JSON.stringify(decision));
    } else if (!selected.has(keptCount - 1)) {
      lines.push(JSON.stringify({ ...decision, kept: false, reason: 'budget' }));
    } else {
      const label = formatClock(decision.time ?? 0);
      const name = `${String(sheetFrames.length + 1).padStart(4, '0')}-${label.replaceAll(':', '-')}.jpg`;
      await rename(partialFile, join(out, name));
      sheetFrames.push({ image: join(out, name), label, score: decision.score ?? 0 });
      lines.push(JSON.stringify({ ...decision, name }));
    }
  }
  await writeFile(join(out, 'frames.jsonl'), lines.map((line) => `${line}\n`).join(''));
  const onSheet = selectFrames(sheetFrames, MAX_SHEET_FRAMES);
  const sheet = await renderContactSheet(sheetFrames.filter((_, index) => onSheet.has(index)));
  await writeFile(join(out, 'contact-sheet.jpg'), sheet);
  return sheetFrames.length;
}

/** `hh:mm:ss.mmm`, of fixed width: names sort by time. */
function formatClock(time: number): string {
  const milliseconds = Math.round(time * 1000);
  const digitsOf = (unit: number, modulo: number, digits: number): string =>
    String(Math.floor(milliseconds / unit) % modulo).padStart(digits, '0');
  return `${digitsOf(3_600_000, 100, 2)}:${digitsOf(60_000, 60, 2)}:${digitsOf(1000, 60, 2)}.${digitsOf(1, 1000, 3)}`;
}
