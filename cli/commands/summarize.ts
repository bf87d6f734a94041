/** `frameloom summarize SOURCE…`: one job, followed to its end. */
import { ApiError } from '../../client/index.ts';
import { sleep } from '../../core/sleep.ts';
import { isFinalStatus, type Job } from '../../schema/job.ts';
import {
  type Attachments,
  REQUEST_USAGE,
  type RequestOptions,
  readRequestArguments,
  type Source,
  sourceName,
  uploadAttachments,
  uploadSource,
} from '../arguments/index.ts';
import { connectToServer, type ServerConnection } from '../connect-to-server.ts';
import { type Command, type CommandContext, printLine } from '../context.ts';
import { followJob, printOutcome, printProblem } from '../follow-job.ts';
import { createProgressView, type ProgressView } from '../output/index.ts';

/** Exit code of a process that was interrupted, as shells have it. */
const INTERRUPTED = 130;
/** Longest name of a source that is kept with its job, in characters. */
const MAX_NAME = 200;
/** How long an interrupted embedded system waits for the job to be cancelled, in milliseconds. */
const CANCEL_MS = 10_000;

export const summarize: Command = {
  summary: 'summarize a video, a deck or pictures',
  usage: `usage: frameloom summarize SOURCE... [options]

SOURCE is a video, a PDF or PPTX, a folder of pictures, several pictures, or an address (http or https).
The summary is printed on stdout, progress on stderr.

${REQUEST_USAGE}
  --json                  print the result as JSON

FRAMELOOM_URL names the server to use; without it a system that runs on this machine is used, or one is started for
this job. Exit codes: 0 complete, 3 with gaps, 1 failed, 2 wrong usage.`,

  async run(args, context) {
    const { source, attachments, options, json } = await readRequestArguments(args);
    return summarizeSource(source, attachments, options, json, context);
  },
};

async function summarizeSource(
  source: Source,
  extras: Attachments,
  options: RequestOptions,
  json: boolean,
  context: CommandContext,
): Promise<number> {
  await using server = await connectToServer(context);
  const view = createProgressView(context.stderr, sourceName(source));
  let started: Job | undefined;
  try {
    const job = await runJob(source, options, server, view, context.signal, extras, (created) => {
      started = created;
    });
    view.close();
    return printOutcome(job, context, json);
  } catch (error) {
    view.close();
    // Awaited here: the server must outlive it.
    if (context.signal.aborted) return await interrupted(started, server, context);
    if (error instanceof ApiError) return printProblem(error, context);
    throw error;
  }
}

/** Uploads, starts and follows. Throws ApiError, and the reason of `signal` once it aborts. */
export async function runJob(
  source: Source,
  options: RequestOptions,
  { client }: Pick<ServerConnection, 'client'>,
  view: ProgressView,
  signal: AbortSignal,
  extras: Attachments = {},
  onStart: (job: Job) => void = () => {},
): Promise<Job> {
  const main = await uploadSource(source, client, { signal, onProgress: view.showUpload });
  const uploaded = await uploadAttachments(main, extras, client, signal);
  // The console shows jobs under this name.
  const metadata = { filename: sourceName(source).slice(0, MAX_NAME) };
  const job = await client.createSummary({ ...options, source: uploaded, metadata }, { signal });
  onStart(job);
  return followJob(client, job.id, view, signal);
}

/** On a server the job goes on; in a system of our own it is cancelled before the system ends. */
async function interrupted(
  job: Job | undefined,
  { client, embedded }: ServerConnection,
  { stderr }: CommandContext,
): Promise<number> {
  if (job === undefined) return INTERRUPTED;
  if (!embedded) {
    printLine(stderr, `\nThe job goes on. To return to it: frameloom jobs watch ${job.id}`);
    return INTERRUPTED;
  }
  printLine(stderr, '\nframeloom: cancelling');
  const signal = AbortSignal.timeout(CANCEL_MS);
  try {
    let current = await client.cancelSummary(job.id, { signal });
    while (!isFinalStatus(current.status)) {
      await sleep(100);
      current = await client.getSummary(job.id, { signal });
    }
  } catch {
    // It had ended already, or is cancelled when the system starts again.
  }
  return INTERRUPTED;
}
