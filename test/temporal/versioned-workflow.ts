/**
 * Stands in for a job whose end is far: it waits to be told, then asks the worker of its queue which build it
 * is of.
 */
import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';

export const finish = defineSignal('finish');
const { build } = proxyActivities<{ build(): Promise<string> }>({ startToCloseTimeout: '10s' });

const anyBuild = proxyActivities<{ model(): Promise<string> }>({
  taskQueue: 'gpu',
  startToCloseTimeout: '10s',
});

export async function summarize(): Promise<string> {
  let told = false;
  setHandler(finish, () => {
    told = true;
  });
  const began = await build();
  await condition(() => told);
  return `${began} ${await build()} ${await anyBuild.model()}`;
}
