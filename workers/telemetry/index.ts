export { createLogger } from './log.ts';
export { installTemporalRuntime } from './runtime.ts';
export {
  createTraceSinks,
  startTracing,
  traceActivities,
  traceGenerator,
  traceWorkflowStarts,
} from './tracing.ts';
export { createWorkerMetrics } from './worker-metrics.ts';
