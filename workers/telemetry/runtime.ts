/**
 * Temporal's runtime in a worker process: where its logs go, and the port on which Prometheus reads its
 * figures and ours.
 */
import type { MetricMeter } from '@temporalio/common';
import { type Logger, Runtime } from '@temporalio/worker';
import { type Settings, SettingsError } from '../../config/settings.ts';

/** Bounds of latencies in seconds: an activity takes from milliseconds to half an hour. */
const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
const LATENCIES = [
  'activity_execution_latency',
  'activity_schedule_to_start_latency',
  'activity_succeed_endtoend_latency',
  'workflow_endtoend_latency',
];

/**
 * Has to come before anything else of Temporal's. Signals are handled by the entry of the process, not by the
 * runtime. Answers what makes figures; without FRAMELOOM_METRICS_PORT they go nowhere. Its disposal ends the
 * runtime, which ends by itself only after a worker and otherwise keeps a process alive that could not start.
 * Throws SettingsError when the port is taken.
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
    histogramBucketOverrides: Object.fromEntries(LATENCIES.map((name) => [name, SECONDS])),
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
