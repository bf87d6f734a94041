import type { JSX } from 'preact';
import { spanLabel } from '../../exports/frame-label.ts';
import type { SummaryResult } from '../../schema/result.ts';
import { evidenceFrame, evidencePlaces, type JobView } from '../state/index.ts';
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
        const frame = evidenceFrame(view.segments, segments, text);
        const followed = evidence.length > 0 && evidence.join() === segments.join();
        return (
          <span key={index} class={followed ? 'sentence sentence--followed' : 'sentence'}>
            {frame ? (
              <>
                <JumpLink class="sentence__text" frame={frame.index} evidence={segments} current={followed}>
                  {text}
                </JumpLink>{' '}
                <Places view={view} segments={segments} text={text} />{' '}
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

interface PlacesProps {
  readonly view: JobView;
  readonly segments: readonly number[];
  readonly text: string;
}

function Places({ view, segments, text }: PlacesProps): JSX.Element {
  const places = evidencePlaces(view.segments, segments);
  return (
    <span class="places tabular">
      {places.slice(0, LISTED).map(({ label, segments: run }) => {
        const frame = evidenceFrame(view.segments, run, text);
        return (
          frame && (
            <JumpLink
              key={label}
              class="place"
              frame={frame.index}
              evidence={run}
              label={`Go to ${spanLabel(view.kind, label)}`}
            >
              {label}
            </JumpLink>
          )
        );
      })}
      {places.length > LISTED && <span class="muted">+{places.length - LISTED}</span>}
    </span>
  );
}
