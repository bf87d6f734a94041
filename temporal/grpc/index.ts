export { liveJobs, scheduleCollection } from './collection.ts';
export { deploymentOptions, promoteBuild } from './deployment.ts';
export { createDescribeJob } from './describe-job.ts';
export { openInFlightRecords } from './in-flight.ts';
export { createTemporalOrchestrator } from './orchestrator.ts';
export { createQueueStats } from './queue-stats.ts';
