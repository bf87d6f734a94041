import type { JSX } from 'preact';
import { HOME, ProblemNotice, useDroppedFiles } from '../shared/index.ts';
import { viewOf } from '../state/index.ts';
import { LoadedJob } from './loaded-job.tsx';
import { useJob } from './use-job.ts';

interface Props {
  readonly id: string;
  /** The selected frame; without one, the newest while the job runs, then the first. */
  readonly frame: number | undefined;
  readonly localVideo: File | undefined;
  readonly onSelect: (frame: number) => void;
}

/** One job, from its address: waits for it, follows it, or says why it can't be shown. */
export function JobPage({ id, frame, localVideo, onSelect }: Props): JSX.Element {
  const { job, log, failure, retry } = useJob(id);
  useDroppedFiles(ignore); // a new source is chosen on the start page
  if (failure) {
    return (
      <div class="page-notice">
        <ProblemNotice problem={failure}>
          {failure.retryable && (
            <button class="button" type="button" onClick={retry}>
              Try again
            </button>
          )}
          <a class="button" href={HOME}>
            All summaries
          </a>
        </ProblemNotice>
      </div>
    );
  }
  if (!job) {
    return (
      <p class="page-notice muted" role="status">
        Loading…
      </p>
    );
  }
  return (
    <LoadedJob
      view={viewOf(job, log)}
      frame={frame}
      localVideo={localVideo}
      onSelect={onSelect}
      onAgain={retry}
    />
  );
}

function ignore(): void {}
