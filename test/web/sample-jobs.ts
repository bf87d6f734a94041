/** Jobs as the system would make them: a 72 s video in six segments, and a deck of eight slides. */

import { jobError } from '../../core/errors.ts';
import type { JobEvent } from '../../schema/events.ts';
import { FileId, JobId } from '../../schema/ids.ts';
import type { Job, Progress, Stage } from '../../schema/job.ts';
import { SummaryRequest } from '../../schema/request.ts';
import type { ResultFrame, SummaryResult } from '../../schema/result.ts';

export const VIDEO_ID = JobId.parse(`sum_${'v'.repeat(26)}`);
export const DECK_ID = JobId.parse(`sum_${'d'.repeat(26)}`);
export const FILE_ID = FileId.parse(`file_${'f'.repeat(26)}`);

const START = Date.parse('2026-03-02T09:00:00Z');
const SHA = 'ab'.repeat(32);

interface Scene {
  readonly title: string;
  readonly captions: readonly string[];
}

const SCENES: readonly Scene[] = [
  {
    title: 'Opening shapes',
    captions: ['A red circle on a white ground.', 'A red circle beside a blue square.'],
  },
  {
    title: 'Opening shapes',
    captions: ['A blue square above a small green star.', 'A green star alone, large.'],
  },
  {
    title: 'Results by quarter',
    captions: [
      'A slide titled “Results” with a bar chart of four bars.',
      'The same bar chart; the last bar is now orange.',
    ],
  },
  {
    title: 'Results by quarter',
    captions: [
      'A slide titled “Costs” with three bullet points.',
      'A slide titled “Costs” with four bullet points.',
    ],
  },
  { title: 'Night drive', captions: ['A yellow car on a dark road.', 'A yellow car under a white moon.'] },
  {
    title: 'Night drive',
    captions: ['Two trees beside the road.', 'A closing slide that says “Thank you”.'],
  },
];

const SEGMENT_SECONDS = 12;
export const DURATION = SCENES.length * SEGMENT_SECONDS;

export function videoFrames(segment: number): ResultFrame[] {
  return (SCENES[segment]?.captions ?? []).map((caption, i) => ({
    index: segment * 2 + i,
    time: segment * SEGMENT_SECONDS + i * 6,
    caption,
    image: `/v1/summaries/${VIDEO_ID}/frames/${segment * 2 + i}.jpg`,
  }));
}

export function videoResult(): SummaryResult {
  const titles = ['Opening shapes', 'Results by quarter', 'Night drive'];
  return {
    schema: 2,
    title: 'Shapes, quarterly results and a night drive',
    summary:
      'Simple shapes open the video: a red circle, a blue square and a green star. Two slides show results and costs. A yellow car drives through the night.',
    finish_reason: 'stop',
    coverage: 1,
    gaps: [],
    chapters: titles.map((title, chapter) => ({
      title,
      start_time: chapter * 24,
      end_time: (chapter + 1) * 24,
      summary: [
        'A red circle, a blue square and a green star take turns on a white ground.',
        'A bar chart of four quarters is followed by a list of costs that grows by one point.',
        'A yellow car drives along a dark road under the moon, then the closing slide.',
      ][chapter] as string, // one for each title above
      segments: [chapter * 2, chapter * 2 + 1],
    })),
    segments: SCENES.map(({ captions }, index) => ({
      index,
      start_time: index * SEGMENT_SECONDS,
      end_time: (index + 1) * SEGMENT_SECONDS,
      caption: captions.join(' '),
      finish_reason: 'stop',
      frames: videoFrames(index),
      usage: { image_tokens: 626, input_tokens: 702, output_tokens: 38 },
    })),
    sentences: [
      {
        text: 'Simple shapes open the video: a red circle, a blue square and a green star.',
        segments: [0, 1],
      },
      { text: 'Two slides show results and costs.', segments: [2, 3] },
      { text: 'A yellow car drives through the night.', segments: [4] },
    ],
    unsupported: [],
    source: { type: 'video', sha256: SHA, duration: DURATION, width: 1280, height: 720 },
    usage: { frames: 12, image_tokens: 3756, input_tokens: 4212, output_tokens: 228 },
    model: { name: 'tiny-phi3v', revision: '2' },
    prompts: '1',
    text_sources: [],
    notice: 'AI-generated; may be wrong.',
  };
}

const SLIDES: readonly { readonly title: string; readonly caption: string }[] = [
  { title: 'Rivers of Europe', caption: 'A title slide: “Rivers of Europe”.' },
  { title: 'Length', caption: 'A bar chart compares the lengths of five rivers.' },
  { title: 'Danube', caption: 'Three bullet points about the Danube.' },
  { title: 'Rhine', caption: 'Three bullet points about the Rhine.' },
  { title: 'Trade', caption: 'A red square labelled “ports” beside a blue one labelled “locks”.' },
  { title: 'Floods', caption: 'A line rises steeply to the right.' },
  { title: 'Protection', caption: 'A green triangle above two bullet points.' },
  { title: 'Questions', caption: 'A closing slide that says “Questions”.' },
];

function slideFrame(index: number): ResultFrame {
  return {
    index,
    slide: index + 1,
    caption: SLIDES[index]?.caption ?? '',
    image: `/v1/summaries/${DECK_ID}/frames/${index}.jpg`,
  };
}

export function deckResult(): SummaryResult {
  const { source: _, ...video } = videoResult();
  return {
    ...video,
    text_sources: ['slides'],
    title: 'Rivers of Europe',
    summary: 'The deck compares five rivers. It closes with floods and protection.',
    chapters: [
      {
        title: 'The rivers',
        slides: [1, 2, 3, 4],
        summary: 'Lengths, the Danube, the Rhine.',
        segments: [0, 1],
      },
      {
        title: 'Use and danger',
        slides: [5, 6, 7, 8],
        summary: 'Trade, floods, protection.',
        segments: [2, 3],
      },
    ],
    segments: [0, 1, 2, 3].map((index) => ({
      index,
      slides: [index * 2 + 1, index * 2 + 2],
      caption: '',
      finish_reason: 'stop',
      frames: [slideFrame(index * 2), slideFrame(index * 2 + 1)],
      usage: { image_tokens: 626, input_tokens: 702, output_tokens: 38 },
    })),
    sentences: [
      { text: 'The deck compares five rivers.', segments: [0, 1] },
      { text: 'It closes with floods and protection.', segments: [2, 3] },
    ],
    slides: SLIDES.map(({ title }, i) => ({
      slide: i + 1,
      title,
      text: `${title}\nSource: atlas, page ${i + 1}`,
    })),
    source: { type: 'deck', sha256: SHA, pages: SLIDES.length },
  };
}

export function progressAt(stage: Stage, done: number, eta?: number): Progress {
  const percent = {
    waiting: 0,
    ingest: 2,
    extract: 8,
    describe: 10 + done * 13,
    reduce: 90,
    finish: 97,
    done: 100,
  }[stage];
  return {
    percent,
    stage,
    segments: { total: stage === 'waiting' || stage === 'ingest' ? 0 : SCENES.length, done, failed: 0 },
    ...(eta === undefined ? {} : { eta_seconds: eta }),
  };
}

/** The whole log of the video's job. `[0..4]` lead up to the first segment, then one event a segment. */
export function videoEvents(): JobEvent[] {
  let id = 0;
  const base = (progress: Progress) => {
    const event = { id, time: new Date(START + id * 2000).toISOString(), progress };
    id += 1;
    return event;
  };
  return [
    { ...base(progressAt('waiting', 0)), type: 'job.created' },
    { ...base(progressAt('ingest', 0)), type: 'job.started' },
    {
      ...base(progressAt('extract', 0)),
      type: 'source.ready',
      source: { type: 'video', duration: DURATION },
    },
    { ...base(progressAt('extract', 0)), type: 'frames.extracted', kept: 12, dropped: 60 },
    { ...base(progressAt('describe', 0, 96)), type: 'plan.ready', segments: SCENES.length, frames: 12 },
    ...SCENES.map(
      (_, index): JobEvent => ({
        ...base(progressAt('describe', index + 1, 80 - index * 15)),
        type: 'segment.completed',
        segment: {
          index,
          start_time: index * SEGMENT_SECONDS,
          end_time: (index + 1) * SEGMENT_SECONDS,
          frames: videoFrames(index),
          cached: false,
        },
      }),
    ),
    { ...base(progressAt('reduce', 6)), type: 'reduce.started', sections: 3 },
    {
      ...base(progressAt('reduce', 6)),
      type: 'chapter.completed',
      chapter: { index: 0 },
    },
    { ...base(progressAt('done', 6)), type: 'job.completed', gaps: 0 },
  ];
}

/** Number of events before the first segment is done. */
export const BEFORE_SEGMENTS = 5;

export function videoJob(change: Partial<Job> = {}): Job {
  return {
    id: VIDEO_ID,
    object: 'summary',
    custom_id: null,
    metadata: { filename: 'team-meeting.mp4' },
    status: 'processing',
    progress: progressAt('waiting', 0),
    request: SummaryRequest.parse({ source: { type: 'video', file_id: FILE_ID } }),
    result: null,
    result_sha256: null,
    ledger: null,
    usage: null,
    error: null,
    created_at: new Date(START).toISOString(),
    started_at: null,
    completed_at: null,
    ...change,
  };
}

export function finished(job: Job, result: SummaryResult): Job {
  return {
    ...job,
    status: 'completed',
    progress: progressAt('done', 6),
    result,
    result_sha256: SHA,
    ledger: {
      ...{ gpu_seconds: 61, wall_seconds: 83, runtime: 'onnxruntime-node 1.30.0 cpu', segments: [] },
      merging: { input_tokens: 0, output_tokens: 0, gpu_seconds: 0, cost: 0, currency: null },
      ...{ input_tokens: 0, output_tokens: 0, cost: 0, currency: null },
    },
    completed_at: new Date(START + 83_000).toISOString(),
  };
}

export function failed(job: Job): Job {
  return {
    ...job,
    status: 'failed',
    error: jobError('media_truncated', 'The video ends in the middle of a frame at 0:14.'),
  };
}

export function deckJob(): Job {
  return finished(
    videoJob({
      id: DECK_ID,
      metadata: { filename: 'rivers.pdf' },
      request: SummaryRequest.parse({ source: { type: 'deck', file_id: FILE_ID } }),
    }),
    deckResult(),
  );
}
