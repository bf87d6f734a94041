export { findEvidenceFrame, groupEvidence } from './evidence.ts';
export { EMPTY_FEED, followJob, type JobFeedState } from './job-feed.ts';
export type { SegmentView } from './job-log.ts';
export {
  buildJobView,
  type ChapterView,
  findFirstFrame,
  findFrameAt,
  isFrameInSegments,
  isSettled,
  type JobView,
  jobName,
  toSegmentView,
} from './job-view.ts';
