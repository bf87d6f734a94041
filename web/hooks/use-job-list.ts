import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../../api/client.ts';
import type { Job } from '../../schema/job.ts';
import type { Problem } from '../../schema/problem.ts';
import { useServer } from '../context.ts';

export interface JobListState {
  readonly jobs: readonly Job[];
  readonly more: boolean;
  readonly loading: boolean;
  readonly problem: Problem | undefined;
  loadMore(): void;
}

const PAGE_SIZE = 12;

/** The newest jobs, a page at a time. */
export function useJobList(): JobListState {
  const { client } = useServer();
  const [cursor, setCursor] = useState<string | undefined>(undefined);
  const [jobs, setJobs] = useState<readonly Job[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  useEffect(() => {
    const controller = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const page = await client.listSummaries({
          limit: PAGE_SIZE,
          signal: controller.signal,
          ...(cursor === undefined ? {} : { cursor }),
        });
        setJobs((known) => (cursor === undefined ? page.data : [...known, ...page.data]));
        setNext(page.next_cursor);
        setProblem(undefined);
      } catch (error) {
        if (controller.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setProblem(error.problem);
      }
      setLoading(false);
    };
    setLoading(true);
    void load();
    return () => controller.abort();
  }, [client, cursor]);
  return { jobs, more: next !== null, loading, problem, loadMore: () => setCursor(next ?? undefined) };
}
