import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError } from '../../client/index.ts';
import { formatCount, formatWait } from '../../core/format.ts';
import type { Progress, Stage } from '../../schema/job.ts';
import type { Problem } from '../../schema/problem.ts';
import { Icon, ProblemNotice, ProgressBar, useIsConnected, useServer } from '../shared/index.ts';
import type { JobView } from '../state/index.ts';

const STAGE_TEXTS: Readonly<Record<Stage, string>> = {
  waiting: 'Waiting for its turn',
  ingest: 'Reading the source',
  extract: 'Extracting frames',
  describe: 'Describing frames',
  reduce: 'Writing the summary',
  finish: 'Checking the evidence',
  done: 'Done',
};

const STEPS: readonly { readonly stage: Stage; readonly label: string }[] = [
  { stage: 'ingest', label: 'Read' },
  { stage: 'extract', label: 'Extract frames' },
  { stage: 'describe', label: 'Describe' },
  { stage: 'reduce', label: 'Summarize' },
  { stage: 'finish', label: 'Check' },
];

const STAGE_ORDER: readonly Stage[] = [
  'waiting',
  'ingest',
  'extract',
  'describe',
  'reduce',
  'finish',
  'done',
];

interface Props {
  readonly view: JobView;
}

/** Progress of a running job, with the cancel button. */
export function JobProgress({ view }: Props): JSX.Element {
  const { progress } = view;
  const connected = useIsConnected();
  const isCancelling = view.status === 'cancelling';
  const { cancel, problem, isRequested } = useCancel(view.id);
  const stageText = isCancelling ? 'Cancelling' : STAGE_TEXTS[progress.stage];
  return (
    <section class="card job-progress" aria-label="Progress">
      <div class="row">
        <p class="job-progress__doing" role="status">
          {stageText}
        </p>
        <p class="job-progress__counts muted tabular">
          {connected ? listCounts(progress, isCancelling).join(' · ') : 'Connection lost; reconnecting…'}
        </p>
        <p class="job-progress__percent tabular">{Math.round(progress.percent)} %</p>
        <button
          class="button button--small"
          type="button"
          disabled={isCancelling || isRequested}
          onClick={cancel}
        >
          <Icon name="close" /> Cancel
        </button>
      </div>
      <ProgressBar label="Summary" percent={progress.percent} />
      <ol class="steps" aria-label="Stages">
        {STEPS.map(({ stage, label }) => (
          <li key={stage} class={`steps__item steps__item--${stepState(stage, view.reachedStage)}`}>
            {label}
          </li>
        ))}
      </ol>
      {problem && <ProblemNotice problem={problem} />}
    </section>
  );
}

function stepState(stage: Stage, current: Stage): 'done' | 'current' | 'ahead' {
  const distance = STAGE_ORDER.indexOf(stage) - STAGE_ORDER.indexOf(current);
  if (distance === 0) return 'current';
  return distance < 0 ? 'done' : 'ahead';
}

function listCounts(
  { segments, eta_seconds: eta, queue_position: ahead = 0 }: Progress,
  isCancelling: boolean,
): readonly string[] {
  const parts: string[] = [];
  if (ahead > 0) parts.push(`${formatCount(ahead, 'job')} ahead`);
  if (segments.total > 0) parts.push(`${segments.done} of ${segments.total} segments`);
  if (segments.failed > 0) parts.push(`${segments.failed} failed`);
  if (eta !== undefined && !isCancelling) parts.push(`about ${formatWait(eta)} left`);
  return parts;
}

function useCancel(id: string): { cancel: () => void; problem: Problem | undefined; isRequested: boolean } {
  const { client } = useServer();
  const [isRequested, setRequested] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const cancel = async (): Promise<void> => {
    setRequested(true);
    setProblem(undefined);
    try {
      await client.cancelSummary(id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setRequested(false);
      setProblem(error.problem);
    }
  };
  return { cancel: () => void cancel(), problem, isRequested };
}
