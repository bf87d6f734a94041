export { liveJobs, scheduleCollection } from './collection.ts';
export { deploymentOptions, promoteBuild } from './deployment.ts';
export { createDescribeJob } from './describe-job.ts';
export { openInHand } from './in-flight.ts';
export { createTemporalOrchestrator } from './orchestrator.ts';
export { createQueueFigures } from './queue-stats.ts';
