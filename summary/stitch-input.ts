/** What a result is stitched from. */
import type { ResultSlide } from '../schema/result.ts';
import type { Cue, Frame, SourceInfo } from '../schema/source.ts';
import type { TranscriptRef } from '../schema/stages.ts';
import type { PlannedSegment, SourceRange } from './plan.ts';

/** A segment with a caption per frame, or with the reason why it has none. */
export type StitchSegment = PlannedSegment &
  (
    | {
        readonly captions: readonly string[];
        readonly finishReason: 'stop' | 'length' | 'repetition';
        readonly usage: {
          readonly image_tokens: number;
          readonly input_tokens: number;
          readonly output_tokens: number;
        };
      }
    | { readonly reason: string; readonly attempts: number }
  );

/** The merged text of the segments `[first, last)`. */
export interface MergedSection {
  readonly first: number;
  readonly last: number;
  readonly title: string;
  readonly text: string;
}

/** The cues of a transcript, and what is known about it. */
export type StitchTranscript = Omit<TranscriptRef, 'artifact'> & { readonly cues: readonly Cue[] };

export interface StitchInput {
  readonly jobId: string;
  readonly source: SourceInfo;
  /** The requested range of a video, in seconds. */
  readonly range?: SourceRange;
  readonly frames: readonly Frame[];
  readonly segments: readonly StitchSegment[];
  readonly sections: readonly MergedSection[];
  readonly title: string;
  readonly summary: string;
  /** The summary as the model wrote it, before the evidence check. */
  readonly uncheckedSummary: string;
  /** How the generations of the summary and of each text below it ended. */
  readonly finishReasons: readonly ('stop' | 'length' | 'repetition')[];
  readonly slides?: readonly ResultSlide[];
  /** Slides of which the image, part of it or part of the text is missing, with the error code. */
  readonly slideGaps?: readonly {
    readonly slide: number;
    readonly reason: string;
    readonly message?: string;
    /** The slide counts as covered. */
    readonly hasImage?: true;
  }[];
  /** Stretches of a video that its file lacks, in seconds. */
  readonly timeGaps?: readonly {
    readonly start_time: number;
    readonly end_time: number;
    readonly reason: string;
  }[];
  /** The transcript of a video and its origin. */
  readonly transcript?: StitchTranscript;
  /** Tokens of merges and titles; those of the segments come on top. */
  readonly reduceUsage: { readonly input_tokens: number; readonly output_tokens: number };
  readonly model: { readonly name: string; readonly revision: string };
  /** Share of a sentence that captions must support, 0 to 1. */
  readonly evidenceThreshold: number;
}
