import type { JSX } from 'preact';
import { formatRange } from '../../core/format.ts';
import type { ResultFrame } from '../../schema/result.ts';
import { findFirstFrame, isFrameInSegments, type JobView } from '../state/index.ts';
import { FrameLink } from './frame-link.tsx';

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  /** Converts seconds to a CSS percentage of the timeline. */
  readonly toPercent: (time: number) => string;
}

/** The chapters above a timeline, to scale. */
export function ChapterBands({ view, selected, toPercent }: Props): JSX.Element | null {
  if (view.chapters.length === 0) return null;
  return (
    <nav class="bands" aria-label="Chapters on the timeline">
      {view.chapters.map(({ title, startTime = 0, endTime = 0, segments }, index) => {
        const frame = findFirstFrame(view, segments);
        return (
          frame && (
            <span
              key={index}
              class="bands__place"
              style={{ left: toPercent(startTime), width: toPercent(endTime - startTime) }}
            >
              <FrameLink
                class="bands__band"
                frame={frame.index}
                evidence={segments}
                current={isFrameInSegments(view, segments, selected)}
                label={`${title}, ${formatRange(startTime, endTime)}`}
              >
                <span class="bands__title">{title}</span>
              </FrameLink>
            </span>
          )
        );
      })}
    </nav>
  );
}
