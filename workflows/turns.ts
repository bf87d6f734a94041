/**
 * The turns of the jobs of one tenant. A job has many activities in flight, and a queue that hands them out in the order
 * of their arrival would keep a job of one minute waiting for all those of a long one.
 *
 * Temporal shares a queue among fairness keys by weight, and the key of a job is its tenant. Here each activity of a job
 * has a position: the lowest that none of its activities in flight has. Position 0 keeps the key of the tenant; each
 * further one has a key of its own with a smaller weight. So one activity of each job goes ahead, in turn with those of
 * the other jobs of the tenant; the rest together gets about as much, so that none waits long. Whatever the number of
 * its jobs, a tenant has the same few keys, so tenants still share the queue evenly.
 */
import { type ActivityOptions, proxyActivities, workflowInfo } from '@temporalio/workflow';

type Activities<T> = { [K in keyof T]: (input: never) => Promise<unknown> };
type Priority = NonNullable<ActivityOptions['priority']>;

/** Longest part of the tenant in a key: a key has at most 64 bytes. */
const MAX_TENANT_LENGTH = 60;
/**
 * The weight of position n > 0 is 1 / (8 + n); that of position 0 is 1. They add up to 1 for 16 positions, and differ,
 * so that those of one job do not come due at the same moment.
 */
const REST = 8;

/** Activities of the queue in `options`, each with the priority of its position among those in flight. */
export function inTurns<T extends Activities<T>>(options: ActivityOptions): T {
  const taken = new Set<number>();
  const call = (name: string, input: unknown): Promise<unknown> => {
    let position = 0;
    while (taken.has(position)) position += 1;
    taken.add(position);
    const priority = priorityOf(position);
    const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
      ...options,
      ...(priority ? { priority } : {}),
    });
    const result = (activities[name] as (input: unknown) => Promise<unknown>)(input); // a proxy has every name
    const release = (): void => void taken.delete(position);
    // Not `finally`, whose promise settles later: the commands of recorded histories would have another order.
    result.then(release, release);
    return result;
  };
  // Activities are called by the names of T only.
  return new Proxy({}, { get: (_, name) => (input: unknown) => call(String(name), input) }) as T;
}

/** The priority of a position. The level of the job is inherited; so is everything at position 0. */
function priorityOf(position: number): Priority | undefined {
  const tenant = workflowInfo().priority?.fairnessKey;
  if (position === 0 || tenant === undefined) return undefined;
  return {
    fairnessKey: `${tenant.slice(0, MAX_TENANT_LENGTH)}/${position}`,
    fairnessWeight: 1 / (REST + position),
  };
}
