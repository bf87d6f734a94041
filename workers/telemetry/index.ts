export { createLogger } from './log.ts';
export { installRuntime } from './runtime.ts';
export { openTracing, tracedActivities, tracedGenerator, tracedStarts, traceSinks } from './tracing.ts';
export { createMeasures } from './worker-metrics.ts';
