import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError } from '../../client/index.ts';
import type { Problem } from '../../schema/problem.ts';
import { ProblemNotice, useServer } from '../shared/index.ts';

interface Props {
  readonly id: string;
  /** Called when the job runs again. */
  readonly onAgain: () => void;
}

/** The way to have the gaps of a job described after all. */
export function RetryGaps({ id, onAgain }: Props): JSX.Element {
  const { client } = useServer();
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const ask = async (): Promise<void> => {
    setAsked(true);
    setProblem(undefined);
    try {
      await client.retrySummary(id);
      onAgain();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setAsked(false);
      setProblem(error.problem);
    }
  };
  return (
    <>
      <button class="button button--small" type="button" disabled={asked} onClick={() => void ask()}>
        Retry gaps
      </button>
      {problem && <ProblemNotice problem={problem} />}
    </>
  );
}
