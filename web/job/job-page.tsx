import type { JSX } from 'preact';
import { HOME_HREF, ProblemNotice, useDroppedFiles } from '../shared/index.ts';
import { buildJobView } from '../state/index.ts';
import { LoadedJob } from './loaded-job.tsx';
import { useJob } from './use-job.ts';

interface Props {
  readonly id: string;
  /** Index of the selected frame. The default is the latest while the job runs, then the first. */
  readonly frame: number | undefined;
  readonly localVideo: File | undefined;
  readonly onSelect: (frame: number) => void;
}

/** Loads and follows the job of a route, or shows why it cannot be loaded. */
export function JobPage({ id, frame, localVideo, onSelect }: Props): JSX.Element {
  const { job, log, failure, retry } = useJob(id);
  useDroppedFiles(ignore); // only the start page accepts files
  if (failure) {
    return (
      <div class="page-notice">
        <ProblemNotice problem={failure}>
          {failure.retryable && (
            <button class="button" type="button" onClick={retry}>
              Try again
            </button>
          )}
          <a class="button" href={HOME_HREF}>
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
      view={buildJobView(job, log)}
      frame={frame}
      localVideo={localVideo}
      onSelect={onSelect}
      onRetried={retry}
    />
  );
}

function ignore(): void {}
