import type { JSX } from 'preact';
import { spanLabel } from '../../exports/frame-label.ts';
import type { SummaryResult } from '../../schema/result.ts';
import { findEvidenceFrame, groupEvidence, type JobView } from '../state/index.ts';
import { FrameLink } from './frame-link.tsx';

/** Further ranges are only counted; the timeline shows all of them. */
const MAX_LISTED_RANGES = 3;

interface Props {
  readonly view: JobView;
  readonly result: SummaryResult;
  readonly evidence: readonly number[];
}

/** The summary as continuous text. Each sentence links to its frames. */
export function SentenceList({ view, result, evidence }: Props): JSX.Element {
  if (result.sentences.length === 0) return <p class="summary__text">{result.summary}</p>;
  return (
    <p class="summary__text">
      {result.sentences.map(({ text, segments }, index) => {
        const frame = findEvidenceFrame(view.segments, segments, text);
        const isActive = evidence.length > 0 && evidence.join() === segments.join();
        return (
          <span key={index} class={isActive ? 'sentence sentence--followed' : 'sentence'}>
            {frame ? (
              <>
                <FrameLink class="sentence__text" frame={frame.index} evidence={segments} current={isActive}>
                  {text}
                </FrameLink>{' '}
                <EvidenceLinks view={view} segments={segments} text={text} />{' '}
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

interface EvidenceLinksProps {
  readonly view: JobView;
  readonly segments: readonly number[];
  readonly text: string;
}

function EvidenceLinks({ view, segments, text }: EvidenceLinksProps): JSX.Element {
  const ranges = groupEvidence(view.segments, segments);
  return (
    <span class="places tabular">
      {ranges.slice(0, MAX_LISTED_RANGES).map(({ label, segments: run }) => {
        const frame = findEvidenceFrame(view.segments, run, text);
        return (
          frame && (
            <FrameLink
              key={label}
              class="place"
              frame={frame.index}
              evidence={run}
              label={`Go to ${spanLabel(view.kind, label)}`}
            >
              {label}
            </FrameLink>
          )
        );
      })}
      {ranges.length > MAX_LISTED_RANGES && <span class="muted">+{ranges.length - MAX_LISTED_RANGES}</span>}
    </span>
  );
}
