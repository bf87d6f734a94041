/**
 * The event log of a job: append-only, numbered from 0 without holes, the same for every reader and every reconnect.
 * Event 0 (`job.created`) is derived from the start of the workflow; the workflow writes all others.
 */
import { z } from 'zod';
import { JobError, Progress } from './job.ts';
import { ResultFrame } from './result.ts';

const base = { id: z.int().min(0), time: z.iso.datetime(), progress: Progress };

export const JobEvent = z
  .discriminatedUnion('type', [
    z.object({ ...base, type: z.literal('job.created') }),
    z.object({ ...base, type: z.literal('job.started') }),
    z.object({
      ...base,
      type: z.literal('source.ready'),
      source: z.object({ type: z.string(), duration: z.number().optional(), pages: z.int().optional() }),
    }),
    z.object({ ...base, type: z.literal('frames.extracted'), kept: z.int(), dropped: z.int() }),
    z.object({ ...base, type: z.literal('plan.ready'), segments: z.int(), frames: z.int() }),
    z.object({
      ...base,
      type: z.literal('segment.completed'),
      segment: z.object({
        index: z.int(),
        start_time: z.number().optional(),
        end_time: z.number().optional(),
        frames: z.array(ResultFrame),
        cached: z.boolean(),
      }),
    }),
    z.object({
      ...base,
      type: z.literal('segment.failed'),
      segment: z.object({ index: z.int() }),
      error: JobError,
    }),
    z.object({
      ...base,
      type: z.literal('chapter.completed'),
      chapter: z.object({ index: z.int(), title: z.string() }),
    }),
    z.object({ ...base, type: z.literal('reduce.started'), sections: z.int() }),
    z.object({ ...base, type: z.literal('reduce.completed') }),
    z.object({ ...base, type: z.literal('job.cancelling') }),
    z.object({ ...base, type: z.literal('job.completed'), gaps: z.int() }),
    z.object({ ...base, type: z.literal('job.failed'), error: JobError }),
    z.object({ ...base, type: z.literal('job.cancelled') }),
  ])
  .meta({ id: 'JobEvent' });
export type JobEvent = z.infer<typeof JobEvent>;

/** Whether no event can follow this one. */
export function isLastEvent(event: JobEvent): boolean {
  return event.type === 'job.completed' || event.type === 'job.failed' || event.type === 'job.cancelled';
}
