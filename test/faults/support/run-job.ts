/** Runs one job in a deployment and compares it with a baseline run. */
import { openAsBlob } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobEvent } from '../../../schema/events.ts';
import { isFinalStatus, type Job } from '../../../schema/job.ts';
import { createFolderStore } from '../../../store/folder/index.ts';
import type { Deployment } from './deployment.ts';
import { countGenerations, type GenerationStats } from './generation-stats.ts';
import type { Workload } from './workload.ts';

/** The same key in every home gives the job the same id, and its result the same bytes. */
const IDEMPOTENCY_KEY = 'test';
const POLL_MS = 50;

export interface Run {
  readonly job: Job;
  readonly events: readonly JobEvent[];
  readonly generations: GenerationStats;
  /** Names of all artifacts after the end. */
  readonly artifacts: readonly string[];
  readonly seconds: number;
}

export interface RunOptions {
  readonly onEvent?: (event: JobEvent) => Promise<void> | void;
}

/** Uploads the deck of the workload and starts its job. Returns the id. */
export async function submit(
  deployment: Deployment,
  workload: Workload,
  key = IDEMPOTENCY_KEY,
): Promise<string> {
  const { client } = deployment;
  const file = await client.uploadFile(await openAsBlob(workload.deck), basename(workload.deck));
  const request = { source: { type: 'deck', file_id: file.id } } as const;
  return (await client.createSummary(request, { idempotencyKey: key })).id;
}

/** Follows a job to its end. The promise can be awaited later: a rejection is not reported as unhandled. */
export function follow(deployment: Deployment, id: string, options: RunOptions = {}): Promise<Run> {
  const run = followToEnd(deployment, id, options);
  run.catch(() => undefined);
  return run;
}

async function followToEnd(deployment: Deployment, id: string, { onEvent }: RunOptions): Promise<Run> {
  const began = performance.now();
  const events: JobEvent[] = [];
  for await (const event of deployment.client.streamEvents(id)) {
    events.push(event);
    await onEvent?.(event);
  }
  const job = await finalJob(deployment, id);
  const seconds = (performance.now() - began) / 1000;
  return {
    job,
    events,
    generations: countGenerations(deployment.lines),
    artifacts: await listArtifacts(deployment),
    seconds,
  };
}

export async function summarize(
  deployment: Deployment,
  workload: Workload,
  options: RunOptions = {},
): Promise<Run> {
  return follow(deployment, await submit(deployment, workload), options);
}

/** Returns the job once its status is final. Its last event may arrive slightly earlier. */
export async function finalJob({ client }: Deployment, id: string): Promise<Job> {
  for (;;) {
    const job = await client.getSummary(id).catch(() => undefined);
    if (job !== undefined && isFinalStatus(job.status)) return job;
    await sleep(POLL_MS);
  }
}

export async function listArtifacts({ home }: Deployment, prefix = ''): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of createFolderStore(join(home, 'artifacts')).list(prefix)) found.push(name);
  return found;
}

/** Describes how a disturbed run differs from the baseline, and what it left behind. */
export function differencesFromBaseline(run: Run, baseline: Run): readonly string[] {
  const { job, events, generations } = run;
  const problems: string[] = [];
  if (baseline.job.status !== 'completed') problems.push(`the baseline run is ${baseline.job.status}`);
  if (job.status !== baseline.job.status) problems.push(`the job is ${job.status} ${job.error?.code ?? ''}`);
  if (job.result_sha256 !== baseline.job.result_sha256) problems.push('the result has different bytes');
  problems.push(...eventProblems(events));
  const leftover = run.artifacts.filter((name) => name.startsWith('checkpoints/'));
  if (leftover.length > 0) problems.push(`${leftover.length} checkpoints are left`);
  return [...problems, ...ledgerProblems(job), ...generationProblems(generations)];
}

/** Describes entries of the ledger that are duplicate, missing, or differ from the segments of the result. */
export function ledgerProblems({ ledger, result, usage }: Job): readonly string[] {
  if (!ledger || !result) return [];
  const problems: string[] = [];
  const usageBySegment = new Map(result.segments.map((segment) => [segment.index, segment.usage]));
  const entries = new Set(ledger.segments.map(({ index }) => index));
  if (entries.size !== ledger.segments.length || entries.size !== usageBySegment.size)
    problems.push(`the ledger has ${ledger.segments.length} entries for ${usageBySegment.size} segments`);
  for (const { index, input_tokens, output_tokens } of ledger.segments) {
    const segmentUsage = usageBySegment.get(index);
    // Cached generations cost nothing.
    if (
      input_tokens > 0 &&
      (input_tokens !== segmentUsage?.input_tokens || output_tokens !== segmentUsage.output_tokens)
    )
      problems.push(`the ledger counts ${input_tokens} + ${output_tokens} tokens for segment ${index}`);
  }
  for (const key of ['input_tokens', 'output_tokens'] as const) {
    const sum = ledger.segments.reduce((all, entry) => all + entry[key], ledger.merging[key]);
    if (ledger[key] !== sum || usage?.[key] !== sum)
      problems.push(
        `${key}: the ledger has ${ledger[key]}, the job ${usage?.[key]}, the sum of the entries is ${sum}`,
      );
  }
  return problems;
}

/** Describes generations that ran twice, or lost more tokens than a checkpoint interval. */
export function generationProblems({ repeated, beyondInterval }: GenerationStats): readonly string[] {
  const problems: string[] = [];
  if (repeated.length > 0)
    problems.push(`${repeated.length} generations ran again after they were in the store`);
  if (beyondInterval.length > 0)
    problems.push(`${beyondInterval.length} attempts lost more than a checkpoint interval`);
  return problems;
}

/** Describes missing, duplicate or unordered events, and a falling percentage. */
export function eventProblems(events: readonly JobEvent[]): readonly string[] {
  const problems: string[] = [];
  if (events.some(({ id }, index) => id !== index))
    problems.push('the events are not numbered without a gap');
  const percents = events.map(({ progress }) => progress.percent);
  if (percents.some((percent, index) => percent < (percents[index - 1] ?? 0)))
    problems.push('the percentage falls');
  return problems;
}

/** The column `redone`: tokens that were decoded twice, of all tokens. */
export function formatRedone({
  redoneTokens,
  maxRedoneTokens,
  resumedAttempts,
  outputTokens,
}: GenerationStats): string {
  return `${redoneTokens} of ${outputTokens} tokens (at most ${maxRedoneTokens} of one generation); ${resumedAttempts} attempts resumed from a checkpoint`;
}
