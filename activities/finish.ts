/** Stitches the pieces of a job and publishes its result and its ledger. */
import type { Ledger } from '../schema/job.ts';
import type { ResultSlide } from '../schema/result.ts';
import type { Cue, Frame } from '../schema/source.ts';
import type { CpuActivities, FinishInput } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { jobArtifact } from '../store/names.ts';
import { type SegmentOutcome, stitch } from '../summary/stitch.ts';
import { getJson, putJson } from './artifacts.ts';
import type { Extraction, SlideGap } from './extraction.ts';
import type { GenerationArtifact } from './generation.ts';
import { withHeartbeat } from './heartbeat.ts';
import { readJobFrames } from './job-frames.ts';
import type { ShownSlides } from './match-slides.ts';

export function createFinish({ store }: { readonly store: ArtifactStore }): CpuActivities['finish'] {
  const generation = (name: string): Promise<GenerationArtifact> => getJson<GenerationArtifact>(store, name);

  return (input) =>
    withHeartbeat(async () => {
      const { frames } = await readJobFrames(store, input.extractions, input.maxFrames);
      const slides: ResultSlide[] = [];
      const lost: SlideGap[] = [];
      for (const name of input.extractions) {
        const extraction = await getJson<Extraction>(store, name);
        slides.push(...extraction.slides);
        lost.push(...extraction.gaps);
      }
      const shown = input.shown === undefined ? undefined : await getJson<ShownSlides>(store, input.shown);
      const words = input.words && (await getJson<readonly Cue[]>(store, input.words.artifact));
      const segments: SegmentOutcome[] = [];
      for (const segment of input.segments) {
        if ('reason' in segment) {
          segments.push(segment);
          continue;
        }
        const { lines, finishReason, usage } = await generation(segment.generation);
        segments.push({
          ...segment,
          captions: lines,
          finishReason,
          usage: {
            image_tokens: usage.imageTokens,
            input_tokens: usage.inputTokens,
            output_tokens: usage.outputTokens,
          },
        });
      }
      const sections = [];
      for (const { first, last, title, text } of input.sections) {
        sections.push({
          first,
          last,
          title: (await generation(title)).lines[0] ?? '',
          text: (await generation(text)).lines.join(' '),
        });
      }
      const summary = await generation(input.summary);
      const title = await generation(input.title);
      const reduceUsage = { input_tokens: 0, output_tokens: 0 };
      for (const name of input.reductions) {
        const { usage } = await generation(name);
        reduceUsage.input_tokens += usage.inputTokens;
        reduceUsage.output_tokens += usage.outputTokens;
      }
      const result = stitch({
        jobId: input.jobId,
        source: input.source,
        ...(input.range ? { range: input.range } : {}),
        frames: shown ? frames.map((frame, index) => withSlide(frame, shown.frames[index])) : frames,
        segments,
        lost,
        ...(words && input.words ? { words: { cues: words, from: input.words.from } } : {}),
        sections,
        title: title.lines[0] ?? '',
        summary: summary.lines.join(' '),
        written: summary.text,
        finishReason: summary.finishReason,
        ...(input.source.type === 'deck' ? { slides } : shown ? { slides: shown.slides } : {}),
        reduceUsage,
        model: { name: input.model.name, revision: input.model.revision },
        evidence: input.model.evidence,
      });
      const stored = await putJson(store, jobArtifact(input.jobId, input.run, 'result.json'), result);
      const ledger = await putJson(
        store,
        jobArtifact(input.jobId, input.run, 'ledger.json'),
        ledgerOf(input),
      );
      return { result: { name: stored.name, sha256: stored.sha256 }, ledger: ledger.name };
    });
}

function withSlide(frame: Frame, slide: number | null | undefined): Frame {
  return typeof slide === 'number' ? { ...frame, slide } : frame;
}

function ledgerOf(input: FinishInput): Ledger {
  const segments = input.segments.flatMap((segment) =>
    'reason' in segment
      ? []
      : [
          {
            index: segment.index,
            attempts: segment.cost.attempts,
            cached: segment.cost.cached,
            gpu_seconds: round(segment.cost.gpuSeconds),
            vision_calls: segment.cost.visionCalls,
            rows: round(segment.cost.rows),
          },
        ],
  );
  return {
    gpu_seconds: round(segments.reduce((sum, segment) => sum + segment.gpu_seconds, input.reduceGpuSeconds)),
    runtime:
      input.segments.flatMap((segment) => ('cost' in segment ? [segment.cost.runtime] : []))[0] ?? 'none',
    wall_seconds: round((Date.now() - Date.parse(input.startedAt)) / 1000),
    segments,
  };
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
