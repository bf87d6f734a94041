import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../../client/index.ts';
import type { Job } from '../../schema/job.ts';
import type { Problem } from '../../schema/problem.ts';
import { useServer } from '../shared/index.ts';
import { isSettled } from '../state/index.ts';

export interface JobListState {
  readonly jobs: readonly Job[];
  readonly hasMore: boolean;
  readonly loading: boolean;
  readonly problem: Problem | undefined;
  loadMore(): void;
}

const PAGE_SIZE = 12;
/** Refresh interval while jobs run. */
const REFRESH_INTERVAL_MS = 4000;

/** Loads the newest jobs in pages, and refreshes the list while some of them run. */
export function useJobList(): JobListState {
  const { client } = useServer();
  const [jobs, setJobs] = useState<readonly Job[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const controller = useRef(new AbortController());

  const load = useCallback(
    async (cursor: string | undefined, refresh: boolean): Promise<void> => {
      const { signal } = controller.current;
      try {
        const page = await client.listSummaries({
          limit: PAGE_SIZE,
          signal,
          ...(cursor === undefined ? {} : { cursor }),
        });
        setJobs((known) => merge(known, page.data));
        if (!refresh) setNext(page.next_cursor);
        setProblem(undefined);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        if (!refresh) setProblem(error.problem);
      }
      setLoading(false);
    },
    [client],
  );

  useEffect(() => {
    controller.current = new AbortController();
    void load(undefined, false);
    return () => controller.current.abort();
  }, [load]);

  useEffect(() => {
    if (jobs.every((job) => isSettled(job.status))) return undefined;
    const timer = setInterval(() => void load(undefined, true), REFRESH_INTERVAL_MS);
    return () => clearInterval(timer);
  }, [jobs, load]);

  return {
    jobs,
    hasMore: next !== null,
    loading,
    problem,
    loadMore: () => {
      setLoading(true);
      void load(next ?? undefined, false);
    },
  };
}

/** Merges two lists, newest job first. For a job in both, the state in `read` is used. */
function merge(known: readonly Job[], read: readonly Job[]): readonly Job[] {
  const byId = new Map([...known, ...read].map((job) => [job.id, job]));
  return [...byId.values()].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
}
