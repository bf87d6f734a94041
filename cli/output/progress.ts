/** Progress of a job on stderr: one redrawn line on a terminal, a line per event otherwise. */

import { formatCount, formatPlace, formatTime, formatWait } from '../../core/format.ts';
import { oneLine } from '../../core/one-line.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { Progress } from '../../schema/job.ts';
import type { CommandContext } from '../context.ts';
import { createRedrawnLine, formatBar } from './redrawn-line.ts';
import { createUploadLines, formatUploadBar } from './upload-progress.ts';

export interface ProgressView {
  /** In bytes. `file` is the name of an attachment; without it, the source is uploaded. */
  showUpload(sent: number, total: number, file?: string): void;
  showEvent(event: JobEvent): void;
  /** For a job that waits in the queue. */
  showQueuePosition(progress: Progress): void;
  /** Clears the redrawn line. Nothing is shown after this. */
  close(): void;
}

const STAGES = {
  waiting: 'waiting',
  ingest: 'reading',
  extract: 'extracting frames',
  describe: 'describing',
  reduce: 'summarizing',
  finish: 'finishing',
  done: 'done',
} as const;

export function createProgressView(out: CommandContext['stderr'], name: string): ProgressView {
  return out.isTTY ? bar(out, name) : lines(out, name);
}

function bar(out: CommandContext['stderr'], name: string): ProgressView {
  const { draw, clear } = createRedrawnLine(out);
  return {
    showUpload: (sent, total, file = name) => draw(formatUploadBar(sent, total, file)),
    showQueuePosition(progress) {
      const { percent, eta_seconds } = progress;
      const rest = eta_seconds === undefined ? '' : `, ${formatWait(eta_seconds)} left`;
      draw(`${name}  ${formatBar(percent / 100)} ${Math.floor(percent)}% ${placeOf(progress)}${rest}`);
    },
    showEvent({ progress }) {
      const { percent, stage, segments, eta_seconds } = progress;
      const parts = segments.total > 0 ? ` ${segments.done}/${segments.total}` : '';
      const rest = eta_seconds === undefined || stage === 'done' ? '' : `, ${formatWait(eta_seconds)} left`;
      draw(`${name}  ${formatBar(percent / 100)} ${Math.floor(percent)}% ${STAGES[stage]}${parts}${rest}`);
    },
    close: clear,
  };
}

function lines(out: CommandContext['stderr'], name: string): ProgressView {
  const writeUpload = createUploadLines(out);
  let noun = 'Slide';
  let lastPlace = '';
  return {
    showUpload: (sent, total, file = name) => writeUpload(sent, total, file),
    showQueuePosition(progress) {
      const { percent } = progress;
      const line = placeOf(progress);
      if (line === lastPlace) return;
      lastPlace = line;
      out.write(`${name}: ${String(Math.floor(percent)).padStart(3)}% ${line}\n`);
    },
    showEvent(event) {
      if (event.type === 'source.ready' && event.source.type === 'images') noun = 'Image';
      for (const line of linesOf(event, noun)) {
        out.write(`${name}: ${String(Math.floor(event.progress.percent)).padStart(3)}% ${line}\n`);
      }
    },
    close() {},
  };
}

/** What a job does that has a place in the queue, or has no longer. */
function placeOf({ stage, queue_position }: Progress): string {
  const ahead = queue_position === undefined ? '' : `, ${formatCount(queue_position, 'job')} ahead`;
  return `${STAGES[stage]}${ahead}`;
}

/** Lines of text for an event. `noun` is the name of a frame without a time: Slide or Image. */
function linesOf(event: JobEvent, noun: string): readonly string[] {
  switch (event.type) {
    case 'job.created':
      return ['accepted'];
    case 'job.started':
      return ['started'];
    case 'source.ready': {
      const { type, duration, pages } = event.source;
      const size =
        duration === undefined ? formatCount(pages ?? 0, noun.toLowerCase()) : `${formatTime(duration)} long`;
      return [`source read: ${type}, ${size}`];
    }
    case 'frames.extracted':
      return [`${formatCount(event.kept, 'frame')} kept, ${event.dropped} duplicates dropped`];
    case 'plan.ready':
      return [`${formatCount(event.frames, 'frame')} in ${formatCount(event.segments, 'segment')}`];
    case 'segment.completed':
      return event.segment.frames.map((frame) => {
        const place =
          frame.time === undefined
            ? formatPlace({ slides: [frame.slide ?? 0] }, noun)
            : formatTime(frame.time, 1);
        return `${place}  ${oneLine(frame.caption)}`;
      });
    case 'segment.failed':
      return [`segment ${event.segment.index} could not be described: ${event.error.message}`];
    case 'reduce.started':
      return [`summarizing ${formatCount(event.sections, 'section')}`];
    case 'reduce.completed':
      return ['summary written'];
    case 'chapter.completed':
      return [`chapter ${event.chapter.index + 1} written`];
    case 'job.cancelling':
      return ['cancelling'];
    case 'job.completed':
      return [event.gaps > 0 ? `completed with ${formatCount(event.gaps, 'gap')}` : 'completed'];
    case 'job.failed':
      return ['failed'];
    case 'job.cancelled':
      return ['cancelled'];
    default:
      return event satisfies never;
  }
}
