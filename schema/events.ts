/**
 * The event log of a job. It is append-only and numbered from 0 without gaps, and every reader sees the same
 * events. Event 0 (`job.created`) is derived from the start of the workflow; the workflow writes all other
 * events.
 */
import { z } from 'zod';
import { JobError, Progress } from './job.ts';
import { ResultFrame } from './result.ts';

const base = {
  id: z.int().min(0).describe('Number of the event, from 0.'),
  time: z.iso.datetime().describe('Time of the event.'),
  progress: Progress,
};

/**
 * An event of one type. The `id` names its schema in the OpenAPI document, from which clients are generated.
 */
function eventSchema<T extends string, S extends z.ZodRawShape>(type: T, shape: S, id: string) {
  return z.object({ ...base, type: z.literal(type), ...shape }).meta({ id });
}

const JobCreatedEvent = eventSchema('job.created', {}, 'JobCreatedEvent');
const JobStartedEvent = eventSchema('job.started', {}, 'JobStartedEvent');
const SourceReadyEvent = eventSchema(
  'source.ready',
  {
    source: z
      .object({ type: z.string(), duration: z.number().optional(), pages: z.int().optional() })
      .meta({ id: 'EventSource' }),
  },
  'SourceReadyEvent',
);
const FramesExtractedEvent = eventSchema(
  'frames.extracted',
  {
    kept: z.int().describe('Number of kept frames.'),
    dropped: z.int().describe('Number of dropped frames.'),
  },
  'FramesExtractedEvent',
);
const PlanReadyEvent = eventSchema(
  'plan.ready',
  { segments: z.int().describe('Number of segments.'), frames: z.int().describe('Number of frames.') },
  'PlanReadyEvent',
);
const SegmentCompletedEvent = eventSchema(
  'segment.completed',
  {
    segment: z
      .object({
        index: z.int(),
        start_time: z.number().optional(),
        end_time: z.number().optional(),
        frames: z.array(ResultFrame),
        cached: z.boolean().describe('Whether the captions were reused from an earlier generation.'),
      })
      .meta({ id: 'EventSegment' }),
  },
  'SegmentCompletedEvent',
);
const SegmentFailedEvent = eventSchema(
  'segment.failed',
  { segment: z.object({ index: z.int() }).meta({ id: 'EventFailedSegment' }), error: JobError },
  'SegmentFailedEvent',
);
const ChapterCompletedEvent = eventSchema(
  'chapter.completed',
  {
    chapter: z
      .object({ index: z.int().describe('Number of the chapter, from 0. The result has its title.') })
      .meta({ id: 'EventChapter' }),
  },
  'ChapterCompletedEvent',
);
const ReduceStartedEvent = eventSchema('reduce.started', { sections: z.int() }, 'ReduceStartedEvent');
const ReduceCompletedEvent = eventSchema('reduce.completed', {}, 'ReduceCompletedEvent');
const JobCancellingEvent = eventSchema('job.cancelling', {}, 'JobCancellingEvent');
const JobCompletedEvent = eventSchema(
  'job.completed',
  { gaps: z.int().describe('Number of gaps in the result.') },
  'JobCompletedEvent',
);
const JobFailedEvent = eventSchema('job.failed', { error: JobError }, 'JobFailedEvent');
const JobCancelledEvent = eventSchema('job.cancelled', {}, 'JobCancelledEvent');

export const JobEvent = z
  .discriminatedUnion('type', [
    JobCreatedEvent,
    JobStartedEvent,
    SourceReadyEvent,
    FramesExtractedEvent,
    PlanReadyEvent,
    SegmentCompletedEvent,
    SegmentFailedEvent,
    ChapterCompletedEvent,
    ReduceStartedEvent,
    ReduceCompletedEvent,
    JobCancellingEvent,
    JobCompletedEvent,
    JobFailedEvent,
    JobCancelledEvent,
  ])
  .meta({ id: 'JobEvent' });
export type JobEvent = z.infer<typeof JobEvent>;

/** Whether this is the last event of a run. */
export function isLastEvent(event: JobEvent): boolean {
  return event.type === 'job.completed' || event.type === 'job.failed' || event.type === 'job.cancelled';
}
