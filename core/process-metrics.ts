/** Metrics of this process, under the names that all our processes share (prefix `frameloom_process_`). Node only. */
import { performance } from 'node:perf_hooks';

export interface ProcessMetrics {
  /** Since the Unix epoch. */
  readonly start_time_seconds: number;
  /** Without child processes such as the model host. */
  readonly resident_memory_bytes: number;
  /** Memory of JavaScript objects. */
  readonly heap_used_bytes: number;
  /** User and system time since the start. */
  readonly cpu_seconds: number;
}

/** The current values. */
export function readProcessMetrics(): ProcessMetrics {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    start_time_seconds: Math.round(performance.timeOrigin / 1000),
    resident_memory_bytes: rss,
    heap_used_bytes: heapUsed,
    cpu_seconds: (user + system) / 1e6,
  };
}
