export { followEvents, storedEvents } from './event-log.ts';
export { eventStream, SSE_HEADERS } from './event-stream.ts';
export { findJob, waitForJob, waitUntilClosed } from './find-job.ts';
export { createFrameIndex, frameList } from './frame-index.ts';
export { fullJobView, jobView, readJson } from './job-view.ts';
export { withQueuePosition, withQueueProgress, withQueueUpdates } from './queue-position.ts';
export { removeJobOf, resumeRemovals, waitForRemoval } from './remove-job.ts';
