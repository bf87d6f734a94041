/** Picks the frames of a video on this machine, as a job would, into a folder to look at. No server, no model, no store. */
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
import type { FrameDecision } from '../../../schema/source.ts';
import { spendBudget } from '../../../summary/budget.ts';
import { planSpans, videoRange } from '../../../summary/plan.ts';

export interface PickOptions {
  readonly path: string;
  /** Folder to write to; made if it is not there. */
  readonly out: string;
  readonly request: SummaryRequest;
  readonly tools: { readonly ffmpeg?: string | undefined; readonly ffprobe?: string | undefined };
  readonly maxPixels: number;
  readonly signal: AbortSignal;
  /** Told now and then: seconds of video that are done, of how many, and pictures kept so far. */
  readonly onProgress: (done: number, of: number, kept: number) => void;
}

export interface Picked {
  readonly kept: number;
  readonly considered: number;
  readonly seconds: number;
}

/** Most pictures on the contact sheet. */
const SHEET_PICTURES = 240;

/**
 * Writes `0001-00-00-00.000.jpg`…, `frames.jsonl` and `contact-sheet.jpg`. Throws what the probe and the decoder throw, or
 * the reason of the signal; then nothing half-made is left.
 */
export async function pickFrames(options: PickOptions): Promise<Picked> {
  const { out, path, request, maxPixels, signal } = options;
  const tools = await findMediaTools(options.tools);
  const probed = await probeVideo(tools, path, { maxPixels }, signal);
  const source = { type: 'video', sha256: '', bytes: 0, ...probed } as const;
  const range = videoRange(source, request);
  await mkdir(out, { recursive: true });
  const decisions: FrameDecision[] = [];
  const parts: string[] = [];
  try {
    let start = range.start;
    for (const [sampler, end] of samplersOf(request, source)) {
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
          const part = join(out, `.${String(parts.length).padStart(6, '0')}.part`);
          parts.push(part);
          await writeFile(part, jpeg);
        }
        options.onProgress(decision.time - range.start, range.end - range.start, parts.length);
      }
      start = end;
    }
    const kept = await publish(out, parts, decisions, request.sampling.max_frames);
    return { kept, considered: decisions.length, seconds: range.end - range.start };
  } finally {
    for (const part of parts) await rm(part, { force: true });
  }
}

type VideoSpan = Extract<ReturnType<typeof planSpans>[number], { kind: 'video' }>;

/** The samplers of the request and the ends of their stretches: one per chunk, whatever the number of its windows. */
function samplersOf(
  request: SummaryRequest,
  source: Parameters<typeof planSpans>[0],
): ReadonlyMap<VideoSpan['sampler'], number> {
  const ends = new Map<VideoSpan['sampler'], number>();
  for (const span of planSpans(source, request, []))
    if (span.kind === 'video') ends.set(span.sampler, span.end);
  return ends;
}

/** Names the pictures on which the budget is spent, drops the others, and writes the lists. Answers how many are kept. */
async function publish(
  out: string,
  parts: readonly string[],
  decisions: readonly FrameDecision[],
  most: number,
): Promise<number> {
  const worth = spendBudget(
    decisions.filter(({ kept }) => kept),
    most,
  );
  const pictures: { readonly image: string; readonly label: string; readonly score: number }[] = [];
  let number = 0;
  const lines: string[] = [];
  for (const decision of decisions) {
    const part = decision.kept ? parts[number++] : undefined;
    if (part === undefined) {
      lines.push(JSON.stringify(decision));
    } else if (!worth.has(number - 1)) {
      lines.push(JSON.stringify({ ...decision, kept: false, reason: 'budget' }));
    } else {
      const label = clock(decision.time ?? 0);
      const name = `${String(pictures.length + 1).padStart(4, '0')}-${label.replaceAll(':', '-')}.jpg`;
      await rename(part, join(out, name));
      pictures.push({ image: join(out, name), label, score: decision.score ?? 0 });
      lines.push(JSON.stringify({ ...decision, name }));
    }
  }
  await writeFile(join(out, 'frames.jsonl'), lines.map((line) => `${line}\n`).join(''));
  const shown = spendBudget(pictures, SHEET_PICTURES);
  const sheet = await renderContactSheet(pictures.filter((_, index) => shown.has(index)));
  await writeFile(join(out, 'contact-sheet.jpg'), sheet);
  return pictures.length;
}

/** `h:mm:ss.mmm`, of one width, so that names sort as times do. */
function clock(time: number): string {
  const milliseconds = Math.round(time * 1000);
  const part = (unit: number, modulo: number, digits: number): string =>
    String(Math.floor(milliseconds / unit) % modulo).padStart(digits, '0');
  return `${part(3_600_000, 100, 2)}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`;
}
