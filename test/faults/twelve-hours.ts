/** Twelve hours of video need the memory of one hour, and stay within the limits of histories and payloads. */
import { openAsBlob } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { SummaryResult } from '../../schema/result.ts';
import { eventCount, largestPayloadBytes } from '../support/histories.ts';
import { specsInText } from '../world/facts.ts';
import { caption } from '../world/spec.ts';
import { deploy } from './support/deployment.ts';
import type { FaultTest, Outcome } from './support/fault-test.ts';
import { type Marker, makeLongVideo } from './support/long-video.ts';
import { watchPeakMemory } from './support/peak-memory.ts';
import { eventProblems, finalJob } from './support/run-job.ts';

/** Largest ratio of the peak memory of a process for twelve hours to that for one. */
const MAX_MEMORY_RATIO = 1.1;
/**
 * Bytes by which the model host may exceed the ratio. Each of its 8 rows keeps the memory of its longest sequence, and one
 * hour does not give every row a long one: 1,024 more tokens in each, at 6 KiB of KV cache per token.
 */
const KV_CACHE_GROWTH_BYTES = 8 * 1024 * 6 * 1024;
const MAX_HISTORY_EVENTS = 10_000;
const MAX_PAYLOAD_BYTES = 64 * 1024;

interface HoursOutcome {
  readonly seconds: number;
  readonly segments: number;
  readonly frames: number;
  readonly problems: readonly string[];
  readonly peaks: ReadonlyMap<string, number>;
  readonly runs: number;
  readonly maxEvents: number;
  readonly maxPayloadBytes: number;
}

export const twelveHours: FaultTest = {
  name: 'twelve-hours',
  rule: 'twelve hours of video need no more memory than one hour, and the result has every marker',
  async run({ folder, seed }): Promise<Outcome> {
    const one = await summarizeHours(folder, 1, seed);
    const twelve = await summarizeHours(folder, 12, seed);
    const problems = [...one.problems, ...twelve.problems];
    for (const [name, bytes] of twelve.peaks) {
      const oneHour = one.peaks.get(name) ?? 0;
      const growth = name === 'model host' ? KV_CACHE_GROWTH_BYTES : 0;
      if (bytes > oneHour * MAX_MEMORY_RATIO + growth)
        problems.push(`${name} grew from ${formatMebibytes(oneHour)} to ${formatMebibytes(bytes)}`);
    }
    const peaks = [...twelve.peaks].map(
      ([name, bytes]) => `${name} ${formatMebibytes(one.peaks.get(name) ?? 0)} → ${formatMebibytes(bytes)}`,
    );
    return {
      injected: `12 h of video: ${twelve.frames} images, ${twelve.segments} segments, 20 markers`,
      problems,
      redone: `nothing; ${Math.round(twelve.seconds)} s, ${twelve.runs} runs, at most ${twelve.maxEvents} events and ${twelve.maxPayloadBytes} bytes a payload; peak memory of 1 h → 12 h: ${peaks.join(', ')}`,
    };
  },
};

async function summarizeHours(folder: string, hours: number, seed: number): Promise<HoursOutcome> {
  const path = join(folder, `${hours}h.mp4`);
  const markers = await makeLongVideo(path, { hours, seed });
  await using deployment = await deploy();
  using memory = watchPeakMemory(deployment);
  const { client } = deployment;
  const file = await client.uploadFile(await openAsBlob(path), `${hours}h.mp4`);
  await rm(path);
  const began = performance.now();
  const { id } = await client.createSummary({
    source: { type: 'video', file_id: file.id },
    sampling: { max_frames: 2000 },
  });
  const events = [];
  for await (const event of client.streamEvents(id)) events.push(event);
  const job = await finalJob(deployment, id);
  const seconds = (performance.now() - began) / 1000;
  const { result } = job;
  const missing = result ? missingMarkers(markers, result) : ['no result'];
  const histories = await measureHistories(deployment.temporalAddress, id);
  const problems = [
    ...missing.map((marker) => `missing marker of ${hours} h: ${marker}`),
    ...eventProblems(events),
  ];
  if (job.status !== 'completed')
    problems.push(`the job of ${hours} h is ${job.status} ${job.error?.code ?? ''}`);
  if (histories.maxEvents > MAX_HISTORY_EVENTS) problems.push(`a history has ${histories.maxEvents} events`);
  if (histories.maxPayloadBytes > MAX_PAYLOAD_BYTES)
    problems.push(`a payload has ${histories.maxPayloadBytes} bytes`);
  return {
    seconds,
    segments: result?.segments.length ?? 0,
    frames: result?.usage.frames ?? 0,
    problems,
    peaks: await memory.peaks(),
    ...histories,
  };
}

/** Markers that are missing in the segment or the chapter of their time, with the text that is there instead. */
function missingMarkers(
  markers: readonly Marker[],
  { segments, chapters }: SummaryResult,
): readonly string[] {
  // One word of its title is enough, because no other marker has it. This does not test how well the model reads.
  const mentions = (text: string, { spec }: Marker): boolean => {
    const words = spec.title.split(' ');
    return specsInText(text).some(
      (read) => read.kind === 'slide' && read.title.split(' ').some((word) => words.includes(word)),
    );
  };
  const covers = (span: { start_time?: number | undefined; end_time?: number | undefined }, time: number) =>
    (span.start_time ?? 0) <= time && time < (span.end_time ?? 0);
  return markers.flatMap((marker) => {
    const segment = segments.find((span) => covers(span, marker.time));
    const chapter = chapters.find((span) => covers(span, marker.time));
    const withoutMarker = [segment?.caption ?? 'no segment', chapter?.summary ?? 'no chapter'].find(
      (text) => !mentions(text, marker),
    );
    return withoutMarker === undefined
      ? []
      : [`${caption(marker.spec)}, but the text is: ${withoutMarker.replaceAll('\n', ' ')}`];
  });
}

/** Reads the histories of all runs of a job, and returns their number and largest sizes. */
async function measureHistories(
  address: string,
  id: string,
): Promise<Pick<HoursOutcome, 'runs' | 'maxEvents' | 'maxPayloadBytes'>> {
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection });
  const found = { runs: 0, maxEvents: 0, maxPayloadBytes: 0 };
  for await (const { runId } of workflow.list({ query: `WorkflowId='${id}'` })) {
    const history = await workflow.getHandle(id, runId).fetchHistory();
    found.runs += 1;
    found.maxEvents = Math.max(found.maxEvents, eventCount(history));
    found.maxPayloadBytes = Math.max(found.maxPayloadBytes, largestPayloadBytes(history));
  }
  await connection.close();
  return found;
}

function formatMebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
