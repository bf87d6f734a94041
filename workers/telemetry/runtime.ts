/**
 * Temporal's runtime in a worker process: its logger, and the port of its metrics and ours for Prometheus.
 */
import type { MetricMeter } from '@temporalio/common';
import { type Logger, Runtime } from '@temporalio/worker';
import { type Settings, SettingsError } from '../../config/settings.ts';

/** Histogram buckets in seconds: an activity takes from milliseconds to half an hour. */
const LATENCY_BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
const LATENCIES = [
  'activity_execution_latency',
  'activity_schedule_to_start_latency',
  'activity_succeed_endtoend_latency',
  'workflow_endtoend_latency',
];

/**
 * Must be called before any other use of Temporal's native core. Signals are handled by the entry point of
 * the process, not by the runtime. Returns the meter for metrics, which are only exported if
 * FRAMELOOM_METRICS_PORT is set. Dispose it at the end: otherwise the runtime keeps a process alive in which
 * no worker was started.
 *
 * @throws SettingsError when the port is taken.
 */
export function installTemporalRuntime(
  { metricsHost, metricsPort }: Pick<Settings, 'metricsHost' | 'metricsPort'>,
  logger: Logger,
): { readonly meter: MetricMeter } & AsyncDisposable {
  const prometheus = {
    bindAddress: `${metricsHost.includes(':') ? `[${metricsHost}]` : metricsHost}:${metricsPort}`,
    countersTotalSuffix: true,
    unitSuffix: true,
    useSecondsForDurations: true,
    histogramBucketOverrides: Object.fromEntries(LATENCIES.map((name) => [name, LATENCY_BUCKETS_SECONDS])),
  };
  try {
    const runtime = Runtime.install({
      logger,
      shutdownSignals: [],
      telemetryOptions: {
        logging: { forward: {}, filter: 'WARN' },
        ...(metricsPort === undefined ? {} : { metrics: { prometheus } }),
      },
    });
    return { meter: runtime.metricMeter, [Symbol.asyncDispose]: () => runtime.shutdown() };
  } catch (error) {
    if (metricsPort === undefined) throw error;
    throw new SettingsError(
      `Metrics cannot be served on ${prometheus.bindAddress} (FRAMELOOM_METRICS_HOST, FRAMELOOM_METRICS_PORT).`,
      { cause: error },
    );
  }
}
