/** Two activities that run concurrently, with timeouts far longer than the test. */
import { proxyActivities } from '@temporalio/workflow';

export interface InFlightActivities {
  /** Returns the number of the attempt that finished. */
  work(name: 'one' | 'two'): Promise<number>;
}

const { work } = proxyActivities<InFlightActivities>({
  taskQueue: 'in-flight',
  startToCloseTimeout: '1h',
  heartbeatTimeout: '1h',
  retry: { initialInterval: '10ms' },
});

export function both(): Promise<readonly number[]> {
  return Promise.all([work('one'), work('two')]);
}
