import type { JSX } from 'preact';
import { formatPlace } from '../../core/format.ts';
import { frameNoun } from '../../exports/frame-label.ts';
import type { ResultFrame } from '../../schema/result.ts';
import { type ChapterView, findFirstFrame, isFrameInSegments, type JobView } from '../state/index.ts';
import { FrameLink } from './frame-link.tsx';

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
}

/** The chapters with their times or slides. */
export function ChapterList({ view, selected }: Props): JSX.Element {
  return (
    <ol class="chapters">
      {view.chapters.map((chapter, index) => (
        <li
          key={index}
          class={isFrameInSegments(view, chapter.segments, selected) ? 'chapter chapter--current' : 'chapter'}
        >
          <ChapterHead view={view} chapter={chapter} />
          <p class="chapter__summary">{chapter.summary}</p>
        </li>
      ))}
    </ol>
  );
}

function ChapterHead({
  view,
  chapter,
}: {
  readonly view: JobView;
  readonly chapter: ChapterView;
}): JSX.Element {
  const frame = findFirstFrame(view, chapter.segments);
  const place = formatPlace(
    { start_time: chapter.startTime, end_time: chapter.endTime, slides: chapter.slides },
    frameNoun(view.kind),
  );
  const head = (
    <>
      <span class="chapter__place tabular">{place}</span>
      <span class="chapter__title">{chapter.title}</span>
    </>
  );
  if (!frame) return <p class="chapter__head">{head}</p>;
  return (
    <FrameLink class="chapter__head" frame={frame.index} evidence={chapter.segments}>
      {head}
    </FrameLink>
  );
}
