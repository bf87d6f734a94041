export { evidenceFrame, evidencePlaces } from './evidence.ts';
export { EMPTY_FEED, followJob, type JobFeedState } from './job-feed.ts';
export type { SegmentView } from './job-log.ts';
export {
  type ChapterView,
  firstFrameOf,
  frameAt,
  isIn,
  isSettled,
  type JobView,
  nameOf,
  segmentOf,
  viewOf,
} from './job-view.ts';
