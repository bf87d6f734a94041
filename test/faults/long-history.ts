/** Ten thousand segments through the workflow: what its histories and payloads come to. */
import { ENTRIES_PER_SHARD } from '../../schema/shards.ts';
import { historiesOf, largestPayload, lengthOf } from '../support/histories.ts';
import { longAnswers } from '../workflows/long-job.ts';
import { openRig } from '../workflows/rig.ts';
import type { FaultTest } from './support/fault-test.ts';

const SEGMENTS = 10_000;
const MOST_EVENTS = 10_000;
const MOST_BYTES = 64 * 1024;

export const longHistory: FaultTest = {
  name: 'long-history',
  rule: 'a job of 10,000 segments keeps its histories and payloads within their limits, and calls for each segment once',
  async run() {
    await using rig = await openRig();
    const activities = longAnswers(SEGMENTS);
    const { describeSegment } = activities.gpu;
    const calls = new Map<number, number>();
    activities.gpu.describeSegment = async (place) => {
      const index = place.shard * ENTRIES_PER_SHARD + place.entry;
      calls.set(index, (calls.get(index) ?? 0) + 1);
      return describeSegment(place);
    };
    const began = performance.now();
    const { error, events, handle } = await rig.runJob(activities);
    const seconds = (performance.now() - began) / 1000;
    const { client } = rig;
    const histories = await historiesOf(client, handle.workflowId, activities.finished[0]?.run ?? '');
    const longest = Math.max(...histories.map(lengthOf));
    const largest = Math.max(...histories.map(largestPayload));
    const lost: string[] = [];
    if (error !== undefined) lost.push('the job failed');
    if (events.some(({ id }, index) => id !== index + 1))
      lost.push('the events are not numbered without a gap');
    if (calls.size !== SEGMENTS) lost.push(`${SEGMENTS - calls.size} segments were not described`);
    const again = [...calls.values()].filter((count) => count > 1).length;
    if (again > 0) lost.push(`${again} segments were described twice`);
    if (longest > MOST_EVENTS) lost.push(`a history has ${longest} events`);
    if (largest > MOST_BYTES) lost.push(`a payload has ${largest} bytes`);
    return {
      injected: `${SEGMENTS} segments, whose activities only answer`,
      lost,
      redone: `nothing; ${Math.round(seconds)} s, ${histories.length} runs, at most ${longest} events a history and ${largest} bytes a payload`,
    };
  },
};
