/**
 * `npm run demo`: summarizes the sample video and the sample deck with the embedded system, in `.frameloom/`. With
 * `--keep` API and console stay up until Ctrl-C; with `--chaos` a worker is killed instead (lib/demo-chaos.ts).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type RequestOptions, readSource, sourceName } from '../cli/arguments/index.ts';
import { runJob } from '../cli/commands/summarize.ts';
import { type CommandContext, EXIT_CODES, printLine } from '../cli/context.ts';
import { embeddedOptions, startEmbeddedSystem } from '../cli/embedded/index.ts';
import type { EmbeddedSystem } from '../cli/embedded/system.ts';
import { printOutcome, printProblem } from '../cli/follow-job.ts';
import { createProgressView } from '../cli/output/index.ts';
import { packageRoot } from '../cli/package-root.ts';
import { printError } from '../cli/print-error.ts';
import { createShutdownSignal } from '../cli/shutdown-signal.ts';
import { ApiError, createClient } from '../client/index.ts';
import { loadSettings } from '../config/settings.ts';
import type { Job } from '../schema/job.ts';
import { chaos } from './lib/demo-chaos.ts';

interface Run {
  readonly name: string;
  readonly options: RequestOptions;
  /** Printed before the run. */
  readonly note?: string;
}

const RUNS: readonly Run[] = [
  { name: 'sample-video.mp4', options: {} },
  { name: 'sample-deck.pdf', options: {} },
  {
    name: 'sample-video.mp4',
    options: { summary_prompt: 'Summarize it in other words.' },
    note: 'The video again with another summary prompt: frames, image features and captions are reused.',
  },
];

/** Runs one job, prints the summary and the work of the model, and writes the JSON. Returns the exit code. */
async function summarizeSample(
  { name, options, note }: Run,
  system: EmbeddedSystem,
  folder: string,
  context: CommandContext,
): Promise<number> {
  const source = await readSource([join(packageRoot(), 'samples', name)]);
  const view = createProgressView(context.stderr, sourceName(source));
  try {
    if (note !== undefined) printLine(context.stdout, note);
    const server = { client: createClient({ url: system.url }) };
    const request = { source, options, attachments: {} };
    const job = await runJob(server, request, { view, signal: context.signal });
    view.close();
    printLine(context.stdout);
    const code = printOutcome(job, context, false);
    printLine(context.stdout, `\n${modelWork(job)}`);
    const file = join(folder, `${name.replace(/\.\w+$/, '')}${note === undefined ? '' : '-again'}.json`);
    await writeFile(file, `${JSON.stringify(job.result, null, 2)}\n`);
    printLine(context.stdout, `JSON: ${relative(process.cwd(), file)}\n`);
    return code;
  } catch (error) {
    view.close();
    if (error instanceof ApiError && !context.signal.aborted) return printProblem(error, context);
    throw error;
  }
}

/** Describes the time, vision calls and largest decoding batch of the model. */
function modelWork({ ledger }: Job): string {
  const segments = ledger?.segments ?? [];
  const visionCalls = segments.reduce((sum, segment) => sum + segment.vision_calls, 0);
  const maxRows = Math.max(0, ...segments.map(({ rows }) => rows));
  const shared = maxRows > 1 ? `, up to ${maxRows.toFixed(1)} generations decoded in one batch` : '';
  return `Model: ${ledger?.gpu_seconds.toFixed(1)} s on ${ledger?.runtime}; ${segments.length} segments, vision calls: ${visionCalls}${shared}`;
}

async function demo(context: CommandContext, keep: boolean): Promise<number> {
  const folder = join(context.settings.home, 'demo');
  await mkdir(folder, { recursive: true });
  await using system = await startEmbeddedSystem(embeddedOptions(context), context.signal);
  let worst: number = EXIT_CODES.complete;
  for (const run of RUNS) {
    worst = Math.max(worst, await summarizeSample(run, system, folder, context));
  }
  if (!keep) return worst;
  printLine(context.stdout, `The console is at ${system.url}. Press Ctrl-C to stop.`);
  await Promise.race([
    system.failed,
    new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true })),
  ]);
  return worst;
}

const flag = { type: 'boolean', default: false } as const;
const signal = createShutdownSignal(process);
try {
  const { values } = parseArgs({ options: { keep: flag, chaos: flag } });
  const env = { ...process.env, FRAMELOOM_HOME: join(packageRoot(), '.frameloom') };
  const { stdout, stderr } = process;
  const context = { env, settings: loadSettings(env), stdout, stderr, signal };
  process.exitCode = values.chaos ? await chaos(context) : await demo(context, values.keep);
} catch (error) {
  process.exitCode = signal.aborted ? 130 : printError(error, process.stderr);
}
