import type { JSX } from 'preact';
import { formatAge } from '../../core/format.ts';
import type { Job } from '../../schema/job.ts';
import { FrameImage, Icon, jobHref, ProblemNotice, StatusChip } from '../shared/index.ts';
import { isSettled, jobName } from '../state/index.ts';
import { useJobList } from './use-job-list.ts';

export function RecentJobs(): JSX.Element {
  const { jobs, hasMore, loading, problem, loadMore } = useJobList();
  return (
    <section class="recent" aria-labelledby="recent-title">
      <h2 id="recent-title">Recent summaries</h2>
      {problem && <ProblemNotice problem={problem} />}
      {!problem && !loading && jobs.length === 0 && <p class="empty">No summaries yet.</p>}
      {jobs.length > 0 && (
        <ul class="job-list">
          {jobs.map((job) => (
            <li key={job.id}>
              <JobRow job={job} />
            </li>
          ))}
        </ul>
      )}
      {hasMore && (
        <button class="button" type="button" disabled={loading} onClick={loadMore}>
          Load more
        </button>
      )}
    </section>
  );
}

function JobRow({ job }: { readonly job: Job }): JSX.Element {
  const hasImage = job.status === 'completed' || job.status === 'completed_with_gaps';
  return (
    <a class="job-row" href={jobHref(job.id)}>
      <span class="thumb job-row__thumb">
        {hasImage ? (
          <FrameImage path={`/v1/summaries/${job.id}/frames/0.jpg`} alt="" />
        ) : (
          <Icon name={job.request.source.type} />
        )}
      </span>
      <span class="job-row__text">
        <span class="job-row__name">{jobName(job)}</span>
        <span class="muted tabular">
          <time dateTime={job.created_at}>{formatAge(Date.parse(job.created_at), Date.now())}</time>
          {!isSettled(job.status) && ` · ${Math.round(job.progress.percent)} %`}
        </span>
      </span>
      <StatusChip status={job.status} />
    </a>
  );
}
