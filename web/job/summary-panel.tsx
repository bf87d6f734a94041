import type { JSX } from 'preact';
import { ERRORS, isErrorCode } from '../../core/errors.ts';
import { canBeRetried } from '../../core/gaps.ts';
import type { ResultFrame, SummaryResult } from '../../schema/result.ts';
import type { JobView } from '../state/index.ts';
import { ChapterList } from './chapter-list.tsx';
import { RetryGaps } from './retry-gaps.tsx';
import { SentenceList } from './sentence-list.tsx';

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  /** Segments with the evidence of the last followed link. */
  readonly evidence: readonly number[];
  /** Called when the job runs again. */
  readonly onRetried: () => void;
}

/** Notes about a summary that is incomplete. */
const FINISH_NOTES: Readonly<Partial<Record<SummaryResult['finish_reason'], string>>> = {
  length: 'The summary was cut at its length limit.',
  repetition: 'The model repeated itself and was stopped.',
  budget: 'The job reached its cost limit. The rest of the source is not included.',
};

/** The summary, the chapters and the gaps, as far as they are known. */
export function SummaryPanel({ view, selected, evidence, onRetried }: Props): JSX.Element {
  const { result } = view;
  return (
    <aside class="summary" aria-label="Summary and chapters">
      <section aria-labelledby="summary-title">
        <h2 id="summary-title">Summary</h2>
        {result ? (
          <>
            <SentenceList view={view} result={result} evidence={evidence} />
            {FINISH_NOTES[result.finish_reason] !== undefined && (
              <p class="help">{FINISH_NOTES[result.finish_reason]}</p>
            )}
          </>
        ) : (
          <p class="empty">
            {view.isRunning
              ? 'The summary is written after all frames are described.'
              : 'No summary. The frames below were described before the job ended.'}
          </p>
        )}
      </section>
      {view.chapters.length > 0 && (
        <section aria-labelledby="chapters-title">
          <h2 id="chapters-title">Chapters</h2>
          <ChapterList view={view} selected={selected} />
        </section>
      )}
      {view.gaps.length > 0 && (
        <section aria-labelledby="gaps-title">
          <h2 id="gaps-title">Gaps</h2>
          <p class="help">{formatGaps(view)} The rest is complete.</p>
          <GapReasons gaps={view.gaps} />
          {!view.isRunning && view.gaps.some(canBeRetried) && (
            <RetryGaps id={view.id} onRetried={onRetried} />
          )}
        </section>
      )}
      {result && <p class="help summary__notice">{result.notice}</p>}
    </aside>
  );
}

/** What happened and what to do, once for each reason. */
function GapReasons({ gaps }: Pick<JobView, 'gaps'>): JSX.Element {
  const reasons = [...new Set(gaps.map(({ reason }) => reason))].filter(isErrorCode);
  return (
    <>
      {reasons.map((reason) => (
        <p key={reason} class="help">
          {ERRORS[reason].title} {ERRORS[reason].hint}
        </p>
      ))}
    </>
  );
}

/** Such as `One segment could not be described.` */
function formatGaps({ gaps }: JobView): string {
  const isTranscript = gaps.every(({ segment, slides }) => segment === undefined && slides.length === 0);
  if (isTranscript) return 'A part of the audio could not be transcribed.';
  const noun = gaps.every(({ segment }) => segment === undefined) ? 'slide' : 'segment';
  return `${gaps.length === 1 ? `One ${noun}` : `${gaps.length} ${noun}s`} could not be described.`;
}
