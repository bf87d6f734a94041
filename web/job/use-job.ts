import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../shared/index.ts';
import { EMPTY_FEED, followJob, type JobFeedState } from '../state/index.ts';

/** Follows a job while the component is mounted. `retry` starts over, such as after a failure. */
export function useJob(id: string): JobFeedState & { retry: () => void } {
  const { client } = useServer();
  const [state, setState] = useState<JobFeedState>(EMPTY_FEED);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    setState(EMPTY_FEED);
    void followJob(client, id, controller.signal, setState);
    return () => controller.abort();
  }, [client, id, attempt]);
  return { ...state, retry: () => setAttempt((n) => n + 1) };
}
