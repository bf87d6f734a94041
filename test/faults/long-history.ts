/** Runs the workflow with 10,000 segments and checks the size of its histories and payloads. */
import { ENTRIES_PER_SHARD } from '../../schema/shards.ts';
import { eventCount, fetchHistories, largestPayloadBytes } from '../support/histories.ts';
import { longAnswers } from '../workflows/long-job.ts';
import { openRig } from '../workflows/rig.ts';
import type { FaultTest } from './support/fault-test.ts';

const SEGMENT_COUNT = 10_000;
const MAX_HISTORY_EVENTS = 10_000;
const MAX_PAYLOAD_BYTES = 64 * 1024;

export const longHistory: FaultTest = {
  name: 'long-history',
  rule: 'a job of 10,000 segments stays within the limits of histories and payloads, and describes each segment once',
  async run() {
    await using rig = await openRig();
    const activities = longAnswers(SEGMENT_COUNT);
    const { describeSegment } = activities.gpu;
    const calls = new Map<number, number>();
    activities.gpu.describeSegment = async (position) => {
      const index = position.shard * ENTRIES_PER_SHARD + position.entry;
      calls.set(index, (calls.get(index) ?? 0) + 1);
      return describeSegment(position);
    };
    const began = performance.now();
    const { error, events, handle } = await rig.runJob(activities);
    const seconds = (performance.now() - began) / 1000;
    const { client } = rig;
    const histories = await fetchHistories(client, handle.workflowId, activities.finished[0]?.run ?? '');
    const longest = Math.max(...histories.map(eventCount));
    const largest = Math.max(...histories.map(largestPayloadBytes));
    const problems: string[] = [];
    if (error !== undefined) problems.push('the job failed');
    if (events.some(({ id }, index) => id !== index + 1))
      problems.push('the events are not numbered without a gap');
    if (calls.size !== SEGMENT_COUNT)
      problems.push(`${SEGMENT_COUNT - calls.size} segments were not described`);
    const repeated = [...calls.values()].filter((count) => count > 1).length;
    if (repeated > 0) problems.push(`${repeated} segments were described twice`);
    if (longest > MAX_HISTORY_EVENTS) problems.push(`a history has ${longest} events`);
    if (largest > MAX_PAYLOAD_BYTES) problems.push(`a payload has ${largest} bytes`);
    return {
      injected: `${SEGMENT_COUNT} segments, whose activities return at once`,
      problems,
      redone: `nothing; ${Math.round(seconds)} s, ${histories.length} runs, at most ${longest} events a history and ${largest} bytes a payload`,
    };
  },
};
