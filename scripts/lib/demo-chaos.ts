/**
 * `npm run demo -- --chaos`: kills the GPU worker in the middle of a job. The same job runs once more, undisturbed and in
 * another empty home, and both results are compared byte by byte.
 */
import { openAsBlob } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandContext, EXIT_CODES, printLine } from '../../cli/context.ts';
import { embeddedOptions, startEmbeddedSystem } from '../../cli/embedded/index.ts';
import type { EmbeddedSystem } from '../../cli/embedded/system.ts';
import { followJob } from '../../cli/follow-job.ts';
import { createProgressView, type ProgressView } from '../../cli/output/index.ts';
import { packageRoot } from '../../cli/package-root.ts';
import { createClient } from '../../client/index.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { Job } from '../../schema/job.ts';
import { countGenerations, type GenerationStats } from '../../test/faults/support/generation-stats.ts';

const SAMPLE = 'sample-video.mp4';
/** The same in both homes: the job then has the same id, and its result the same bytes. */
const KEY = 'chaos';
const SETTINGS = {
  // Two generations at a time instead of all at once: the job then has a middle.
  FRAMELOOM_MODEL_ROWS: '2',
  // Logs every token, to count those that were generated twice.
  FRAMELOOM_LOG_LEVEL: 'debug',
};

/** Tokens of unfinished generations at which the worker is killed, and the interval at which the log is read for them. */
const MIN_UNFINISHED_TOKENS = 16;
const LOG_POLL_INTERVAL_MS = 20;

interface ChaosRun {
  readonly job: Job;
  readonly generations: GenerationStats;
  readonly seconds: number;
}

interface Running {
  readonly home: string;
  readonly system: EmbeddedSystem;
  readonly view: ProgressView;
}

/** Returns the exit code. */
export async function chaos(context: CommandContext): Promise<number> {
  const print = (text: string): void => printLine(context.stdout, text);
  print(`Chaos: ${SAMPLE} is summarized, and the GPU worker is killed during the job.\n`);
  const disturbed = await summarizeIn(context, (running) => killer(context, running));
  print(`\n${disturbed.job.result?.title}\n\n${disturbed.job.result?.summary}`);
  print('\nThe same job again in another empty home, undisturbed, for comparison.\n');
  const baseline = await summarizeIn(context, () => () => {});
  print(`\n${verdict(disturbed, baseline)}`);
  const isSame = disturbed.job.result_sha256 === baseline.job.result_sha256;
  const isComplete = disturbed.job.status === 'completed' && disturbed.generations.repeated.length === 0;
  return isSame && isComplete ? EXIT_CODES.complete : EXIT_CODES.failed;
}

/** Runs the job on a separate system; `disturb` returns a function that is called with every event. */
async function summarizeIn(
  context: CommandContext,
  disturb: (running: Running) => (event: JobEvent) => void,
): Promise<ChaosRun> {
  const home = await mkdtemp(join(tmpdir(), 'frameloom-chaos-'));
  try {
    const env = { ...context.env, ...SETTINGS, FRAMELOOM_HOME: home };
    const own = { ...context, env, settings: { ...context.settings, home } };
    await using system = await startEmbeddedSystem(embeddedOptions(own, 0), context.signal);
    const client = createClient({ url: system.url });
    const { signal } = context;
    const view = createProgressView(context.stderr, SAMPLE);
    const disturbing = disturb({ home, system, view });
    const began = performance.now();
    const file = await client.uploadFile(await openAsBlob(join(packageRoot(), 'samples', SAMPLE)), SAMPLE, {
      signal,
    });
    const { id } = await client.createSummary(
      { source: { type: 'video', file_id: file.id } },
      { idempotencyKey: KEY, signal },
    );
    const showEvent = (event: JobEvent): void => {
      view.showEvent(event);
      disturbing(event);
    };
    const job = await followJob(client, id, { ...view, showEvent }, signal);
    view.close();
    const seconds = (performance.now() - began) / 1000;
    return { job, generations: countGenerations(await gpuLog(home)), seconds };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Kills the GPU worker once: when a third of the segments is described and other generations are unfinished. */
function killer({ stderr }: CommandContext, { home, system, view }: Running): (event: JobEvent) => void {
  let latest: JobEvent['progress'] | undefined;
  let armed = false;
  async function killInTheMiddle(): Promise<void> {
    for (; ; await sleep(LOG_POLL_INTERVAL_MS)) {
      if (latest?.stage !== 'describe') return;
      const unfinishedTokens = unfinished(await gpuLog(home));
      const worker = system.processes().find(({ name }) => name === 'GPU worker');
      if (unfinishedTokens < MIN_UNFINISHED_TOKENS || worker === undefined) continue;
      const { percent, segments } = latest;
      process.kill(worker.pid, 'SIGKILL');
      view.close();
      printLine(
        stderr,
        `\n>>> killing the GPU worker (kill -9), process ${worker.pid}, at ${Math.floor(percent)}%: ${segments.done} of ` +
          `${segments.total} segments are described, ${unfinishedTokens} tokens of others are generated\n` +
          '>>> the next worker takes over its work\n',
      );
      return;
    }
  }
  return ({ progress }) => {
    latest = progress;
    const { done, total } = progress.segments;
    if (armed || total === 0 || done * 3 < total) return;
    armed = true;
    killInTheMiddle().catch(() => undefined); // the output then shows no kill
  };
}

/** Tokens of generations that have begun and are not in the store yet. */
function unfinished(lines: Awaited<ReturnType<typeof gpuLog>>): number {
  const tokens = new Map<unknown, number>();
  for (const { message, fields } of lines) {
    if (message === 'generation progress') tokens.set(fields.generation, Number(fields.tokens));
    if (message === 'generation completed') tokens.delete(fields.generation);
  }
  return [...tokens.values()].reduce((sum, count) => sum + count, 0);
}

function verdict(disturbed: ChaosRun, baseline: ChaosRun): string {
  const { generations, job } = disturbed;
  const isSame = job.result_sha256 === baseline.job.result_sha256;
  return [
    `killed       ${job.result_sha256}  ${disturbed.seconds.toFixed(1)} s`,
    `undisturbed  ${baseline.job.result_sha256}  ${baseline.seconds.toFixed(1)} s`,
    isSame
      ? 'Nothing was lost: both results have the same bytes.'
      : 'The results differ: something was lost.',
    `The model started ${generations.started} attempts of ${generations.completed} generations, ${generations.repeated.length} of them when it was already in the store; ` +
      `generated twice: ${generations.redoneTokens} of ${generations.outputTokens} tokens.`,
  ].join('\n');
}

/** The log of all GPU worker processes of a home. */
async function gpuLog(home: string): Promise<Parameters<typeof countGenerations>[0]> {
  const text = await readFile(join(home, 'logs', 'worker-gpu.log'), 'utf8');
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      const fields = JSON.parse(line) as Record<string, unknown>; // our processes log JSON objects
      return [{ at: Date.parse(String(fields.time)), message: String(fields.message), fields }];
    } catch {
      return []; // truncated by the kill
    }
  });
}
