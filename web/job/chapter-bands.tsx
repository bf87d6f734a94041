import type { JSX } from 'preact';
import { formatRange } from '../../core/format.ts';
import type { ResultFrame } from '../../schema/result.ts';
import { firstFrameOf, isIn, type JobView } from '../state/index.ts';
import { JumpLink } from './jump-link.tsx';

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  /** Where a time lies, as a CSS percentage. */
  readonly share: (time: number) => string;
}

/** The chapters above a timeline, to the same scale. */
export function ChapterBands({ view, selected, share }: Props): JSX.Element | null {
  if (view.chapters.length === 0) return null;
  return (
    <nav class="bands" aria-label="Chapters on the timeline">
      {view.chapters.map(({ title, startTime = 0, endTime = 0, segments }, index) => {
        const frame = firstFrameOf(view, segments);
        return (
          frame && (
            <span
              key={index}
              class="bands__place"
              style={{ left: share(startTime), width: share(endTime - startTime) }}
            >
              <JumpLink
                class="bands__band"
                frame={frame.index}
                evidence={segments}
                current={isIn(view, segments, selected)}
                label={`${title}, ${formatRange(startTime, endTime)}`}
              >
                <span class="bands__title">{title}</span>
              </JumpLink>
            </span>
          )
        );
      })}
    </nav>
  );
}
