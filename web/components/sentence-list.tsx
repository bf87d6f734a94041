import type { JSX } from 'preact';
import type { ResultFrame, SummaryResult } from '../../schema/result.ts';
import { formatSlides } from '../format.ts';
import { placeOf } from '../frame-place.ts';
import { firstFrameOf, type JobView } from '../job-view.ts';
import { JumpLink } from './jump-link.tsx';

/** More places than these are counted, not listed: the timeline shows them all. */
const LISTED = 3;

interface Props {
  readonly view: JobView;
  readonly result: SummaryResult;
  readonly evidence: readonly number[];
}

/** The summary as running text: each sentence leads to the frames it rests on. */
export function SentenceList({ view, result, evidence }: Props): JSX.Element {
  if (result.sentences.length === 0) return <p class="summary__text">{result.summary}</p>;
  return (
    <p class="summary__text">
      {result.sentences.map(({ text, segments }, index) => {
        const frame = firstFrameOf(view, segments);
        const followed = evidence.length > 0 && evidence.join() === segments.join();
        return (
          <span key={index} class={followed ? 'sentence sentence--followed' : 'sentence'}>
            {frame ? (
              <>
                <JumpLink class="sentence__text" frame={frame.index} evidence={segments} current={followed}>
                  {text}
                </JumpLink>{' '}
                <Places view={view} segments={segments} />{' '}
              </>
            ) : (
              `${text} `
            )}
          </span>
        );
      })}
    </p>
  );
}

function Places({
  view,
  segments,
}: {
  readonly view: JobView;
  readonly segments: readonly number[];
}): JSX.Element {
  return (
    <span class="places tabular">
      {segments.slice(0, LISTED).map((segment) => {
        const frame = firstFrameOf(view, [segment]);
        return (
          frame && (
            <JumpLink
              key={segment}
              class="place"
              frame={frame.index}
              evidence={[segment]}
              label={`Go to ${placeOf(frame, 0)}`}
            >
              {labelOf(view, segment, frame)}
            </JumpLink>
          )
        );
      })}
      {segments.length > LISTED && <span class="muted">+{segments.length - LISTED}</span>}
    </span>
  );
}

/** The time at which a segment starts to be shown, or its slides. */
function labelOf(view: JobView, index: number, first: ResultFrame): string {
  if (first.time !== undefined) return placeOf(first, 0);
  const segment = view.segments.find((candidate) => candidate.index === index);
  return formatSlides((segment?.frames ?? []).map((frame) => frame.slide ?? frame.index + 1));
}
