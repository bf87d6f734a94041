/** One job through a deployment, and what it lost compared with an undisturbed run of the same. */
import { openAsBlob } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobEvent } from '../../../schema/events.ts';
import { isFinalStatus, type Job } from '../../../schema/job.ts';
import { createFolderStore } from '../../../store/folder/index.ts';
import { type Answers, countAnswers } from './answers.ts';
import type { Deployment } from './deployment.ts';
import type { Workload } from './workload.ts';

/** The same in every home, so that the job has the same id and its result the same bytes. */
const KEY = 'test';
const POLL_MS = 50;

export interface Run {
  readonly job: Job;
  readonly events: readonly JobEvent[];
  readonly answers: Answers;
  /** Names of all artifacts there are in the end. */
  readonly artifacts: readonly string[];
  readonly seconds: number;
}

export interface RunOptions {
  readonly onEvent?: (event: JobEvent) => Promise<void> | void;
}

/** Uploads the deck of the workload and starts its job. Answers the id. */
export async function submit(deployment: Deployment, workload: Workload, key = KEY): Promise<string> {
  const { client } = deployment;
  const file = await client.uploadFile(await openAsBlob(workload.deck), basename(workload.deck));
  const request = { source: { type: 'deck', file_id: file.id } } as const;
  return (await client.createSummary(request, { idempotencyKey: key })).id;
}

/** Follows a job to its end. Who only awaits it later misses no failure. */
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
    answers: countAnswers(deployment.lines),
    artifacts: await artifacts(deployment),
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

/** The job when it will not change any more: its last event may be readable a moment before. */
export async function finalJob({ client }: Deployment, id: string): Promise<Job> {
  for (;;) {
    const job = await client.getSummary(id).catch(() => undefined);
    if (job !== undefined && isFinalStatus(job.status)) return job;
    await sleep(POLL_MS);
  }
}

export async function artifacts({ home }: Deployment, prefix = ''): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of createFolderStore(join(home, 'artifacts')).list(prefix)) found.push(name);
  return found;
}

/** What the disturbed run lacks, has too much of, or has otherwise than the baseline one. */
export function losses(run: Run, baseline: Run): readonly string[] {
  const { job, events, answers } = run;
  const lost: string[] = [];
  if (baseline.job.status !== 'completed') lost.push(`the undisturbed run is ${baseline.job.status}`);
  if (job.status !== baseline.job.status) lost.push(`the job is ${job.status} ${job.error?.code ?? ''}`);
  if (job.result_sha256 !== baseline.job.result_sha256) lost.push('the result has other bytes');
  lost.push(...eventProblems(events));
  const leftover = run.artifacts.filter((name) => name.startsWith('checkpoints/'));
  if (leftover.length > 0) lost.push(`${leftover.length} checkpoints are left behind`);
  return [...lost, ...ledgerProblems(job), ...generationProblems(answers)];
}

/** What the ledger counts twice, not at all, or otherwise than the answers themselves say. */
export function ledgerProblems({ ledger, result, usage }: Job): readonly string[] {
  if (!ledger || !result) return [];
  const lost: string[] = [];
  const answers = new Map(result.segments.map((segment) => [segment.index, segment.usage]));
  const entries = new Set(ledger.segments.map(({ index }) => index));
  if (entries.size !== ledger.segments.length || entries.size !== answers.size)
    lost.push(`the ledger has ${ledger.segments.length} entries for ${answers.size} segments`);
  for (const { index, input_tokens, output_tokens } of ledger.segments) {
    const answer = answers.get(index);
    // Found ones cost nothing.
    if (input_tokens > 0 && (input_tokens !== answer?.input_tokens || output_tokens !== answer.output_tokens))
      lost.push(`the ledger counts ${input_tokens} + ${output_tokens} tokens for segment ${index}`);
  }
  for (const key of ['input_tokens', 'output_tokens'] as const) {
    const sum = ledger.segments.reduce((all, entry) => all + entry[key], ledger.merging[key]);
    if (ledger[key] !== sum || usage?.[key] !== sum)
      lost.push(`the ledger says ${ledger[key]} ${key}, the job ${usage?.[key]}, its parts come to ${sum}`);
  }
  return lost;
}

/** Answers that were made twice, or lost more of themselves than they may. */
export function generationProblems({ repeated, beyondInterval }: Answers): readonly string[] {
  const lost: string[] = [];
  if (repeated.length > 0)
    lost.push(`${repeated.length} answers were made again after they were in the store`);
  if (beyondInterval.length > 0)
    lost.push(`${beyondInterval.length} attempts lost more than a checkpoint interval`);
  return lost;
}

/** Events that are missing, doubled or out of order; percent that falls. */
export function eventProblems(events: readonly JobEvent[]): readonly string[] {
  const lost: string[] = [];
  if (events.some(({ id }, index) => id !== index)) lost.push('the events are not numbered without a gap');
  const percents = events.map(({ progress }) => progress.percent);
  if (percents.some((percent, index) => percent < (percents[index - 1] ?? 0))) lost.push('percent falls');
  return lost;
}

/** `redone` of the table: tokens chosen again, of all tokens. */
export function redoneTokens({ redone, redoneAtOnce, resumed, tokens }: Answers): string {
  return `${redone} of ${tokens} tokens (at most ${redoneAtOnce} of one answer); ${resumed} attempts went on from a checkpoint`;
}
