import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError } from '../../client/index.ts';
import type { Problem } from '../../schema/problem.ts';
import { ProblemNotice, useServer } from '../shared/index.ts';

interface Props {
  readonly id: string;
  /** Called when the job runs again. */
  readonly onRetried: () => void;
}

/** Button that runs the failed segments of a job again. */
export function RetryGaps({ id, onRetried }: Props): JSX.Element {
  const { client } = useServer();
  const [isRequested, setRequested] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const retry = async (): Promise<void> => {
    setRequested(true);
    setProblem(undefined);
    try {
      await client.retrySummary(id);
      onRetried();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setRequested(false);
      setProblem(error.problem);
    }
  };
  return (
    <>
      <button class="button button--small" type="button" disabled={isRequested} onClick={() => void retry()}>
        Retry gaps
      </button>
      {problem && <ProblemNotice problem={problem} />}
    </>
  );
}
