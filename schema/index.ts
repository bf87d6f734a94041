/**
 * The public wire contract, published as `frameloom/schema`: zod schemas of requests and responses with the
 * types inferred from them, and the vocabulary of errors. Everything else in this folder is internal to the
 * system.
 */
export { ERRORS, type ErrorCode } from '../core/errors.ts';
export {
  Batch,
  BatchChange,
  BatchCreate,
  type BatchCreateInput,
  BatchList,
  BatchRequestLine,
  BatchStatus,
  isFinalBatchStatus,
} from './batch.ts';
export {
  BatchSchedule,
  BatchScheduleList,
  ScheduleCreate,
  type ScheduleCreateInput,
} from './batch-schedule.ts';
export { Estimate } from './estimate.ts';
export { isLastEvent, JobEvent } from './events.ts';
export { File, FilePurpose } from './file.ts';
export { BatchId, EstimateId, FileId, JobId, ScheduleId, UploadId } from './ids.ts';
export { isFinalStatus, Job, JobError, JobList, JobStatus, Ledger, Progress, Stage } from './job.ts';
export { Problem } from './problem.ts';
export {
  Metadata,
  ResolvedSummaryRequest,
  Sampling,
  SourceRequest,
  SummaryRequest,
  type SummaryRequestInput,
} from './request.ts';
export {
  ResultChapter,
  ResultFrame,
  ResultGap,
  ResultSegment,
  ResultSlide,
  SummaryResult,
} from './result.ts';
export { PartsRequest, SignedParts, Upload, UploadCreate, type UploadCreateInput } from './upload.ts';
export { BatchUsage, TenantUsage, Usage } from './usage.ts';
