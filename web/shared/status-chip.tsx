import type { JSX } from 'preact';
import type { JobStatus } from '../../schema/job.ts';

const LABELS: Readonly<Record<JobStatus, string>> = {
  queued: 'Waiting',
  processing: 'Running',
  completed: 'Complete',
  completed_with_gaps: 'Complete with gaps',
  failed: 'Failed',
  cancelling: 'Cancelling',
  cancelled: 'Cancelled',
};

export function StatusChip({ status }: { readonly status: JobStatus }): JSX.Element {
  return <span class={`chip chip--${status}`}>{LABELS[status]}</span>;
}
