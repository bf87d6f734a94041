import type { JSX } from 'preact';
import type { ResultFrame, SummaryResult } from '../../schema/result.ts';
import type { JobView } from '../state/index.ts';
import { ChapterList } from './chapter-list.tsx';
import { RetryGaps } from './retry-gaps.tsx';
import { SentenceList } from './sentence-list.tsx';

interface Props {
  readonly view: JobView;
  readonly selected: ResultFrame | undefined;
  /** Segments the last followed text rests on. */
  readonly evidence: readonly number[];
  /** Called when the job has been started again. */
  readonly onAgain: () => void;
}

/** What is said of a summary that did not end by itself. */
const END: Readonly<Partial<Record<SummaryResult['finish_reason'], string>>> = {
  length: 'The summary was cut at its length limit.',
  repetition: 'The model began to repeat itself, and was stopped.',
  budget: 'The job reached its max_cost: what it did not come to is missing here.',
};

/** The summary and the chapters; while they are made, what is known of them. */
export function SummaryPanel({ view, selected, evidence, onAgain }: Props): JSX.Element {
  const { result } = view;
  return (
    <aside class="summary" aria-label="Summary and chapters">
      <section aria-labelledby="summary-title">
        <h2 id="summary-title">Summary</h2>
        {result ? (
          <>
            <SentenceList view={view} result={result} evidence={evidence} />
            {END[result.finish_reason] !== undefined && <p class="help">{END[result.finish_reason]}</p>}
          </>
        ) : (
          <p class="empty">
            {view.running
              ? 'Written when all frames are described. Frames show up as they are done.'
              : 'There is no summary; the frames below were described before the job ended.'}
          </p>
        )}
      </section>
      {(view.chapters.length > 0 || view.chapterTitles.length > 0) && (
        <section aria-labelledby="chapters-title">
          <h2 id="chapters-title">Chapters</h2>
          <ChapterList view={view} selected={selected} />
        </section>
      )}
      {view.gaps.length > 0 && (
        <section aria-labelledby="gaps-title">
          <h2 id="gaps-title">Gaps</h2>
          <p class="help">{gapsOf(view)} could not be described. The rest is complete.</p>
          {!view.running && <RetryGaps id={view.id} onAgain={onAgain} />}
        </section>
      )}
      {result && <p class="help summary__notice">{result.notice}</p>}
    </aside>
  );
}

/** `One segment`, `3 slides`: what is missing, as people would count it. */
function gapsOf({ gaps }: JobView): string {
  const noun = gaps.every(({ segment }) => segment === undefined) ? 'slide' : 'segment';
  return gaps.length === 1 ? `One ${noun}` : `${gaps.length} ${noun}s`;
}
