/** Two pieces of work beside each other, on a worker whose loss nobody notices within the time of a test. */
import { proxyActivities } from '@temporalio/workflow';

export interface InHandActivities {
  /** Answers on which attempt it was done. */
  work(name: 'one' | 'two'): Promise<number>;
}

const { work } = proxyActivities<InHandActivities>({
  taskQueue: 'hands',
  startToCloseTimeout: '1h',
  heartbeatTimeout: '1h',
  retry: { initialInterval: '10ms' },
});

export function both(): Promise<readonly number[]> {
  return Promise.all([work('one'), work('two')]);
}
