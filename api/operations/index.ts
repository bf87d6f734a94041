export {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  MAX_LISTED_SCHEDULES,
  pauseSchedule,
  resumeSchedule,
  triggerSchedule,
} from './batch-schedules.ts';
export {
  cancelBatch,
  createBatch,
  getBatch,
  getBatchResults,
  listBatches,
  pauseBatch,
  resumeBatch,
  retryBatch,
  updateBatch,
} from './batches.ts';
export { createEstimate, DEFAULT_ESTIMATE_WAIT_S, getEstimate } from './estimates.ts';
export { streamEvents } from './events.ts';
export { createFile, deleteFile, getFile, getFileContent, listFiles, MAX_LISTED_FILES } from './files.ts';
export { getFrame, listFrames } from './frames.ts';
export { getModel, listModels } from './models.ts';
export {
  cancelSummary,
  createSummary,
  deleteSummary,
  getSummary,
  listSummaries,
  parseTime,
  retrySummary,
} from './summaries.ts';
export { abortUpload, completeUpload, createUpload, getUpload, signUploadParts } from './uploads.ts';
export { getUsage } from './usage.ts';
