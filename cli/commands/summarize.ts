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
import { type Command, type CommandContext, EXIT_CODES, printLine } from '../context.ts';
import { followJob, printOutcome, printProblem } from '../follow-job.ts';
import { createProgressView, type ProgressView } from '../output/index.ts';
import { UPLOADED_FOR_JOB } from '../uploaded-files.ts';

/** Longest file name that is stored with a job. */
const MAX_NAME_LENGTH = 200;
/** How long an interrupted embedded system waits for the cancellation of its job. */
const CANCEL_TIMEOUT_MS = 10_000;

export const summarize: Command = {
  summary: 'summarize a video, a slide deck or images',
  usage: `usage: frameloom summarize SOURCE... [options]

SOURCE is a video, a PDF or PPTX, a folder of images, several images, or a URL (http or https).
Prints the summary on stdout and progress on stderr.

${REQUEST_USAGE}
  --json                  print the result as JSON

FRAMELOOM_URL sets the server. Without it, the command uses the system that runs on this machine, or starts one for
this job. Exit codes: 0 complete, 3 with gaps, 1 failed, 2 wrong usage.`,

  async run(args, context) {
    const { json, ...request } = await readRequestArguments(args);
    return summarizeSource(request, json, context);
  },
};

async function summarizeSource(
  request: LocalRequest,
  json: boolean,
  context: CommandContext,
): Promise<number> {
  await using server = await connectToServer(context);
  const view = createProgressView(context.stderr, sourceName(request.source));
  let started: Job | undefined;
  try {
    const onStart = (created: Job): void => {
      started = created;
    };
    const job = await runJob(server, request, { view, signal: context.signal, onStart });
    view.close();
    return printOutcome(job, context, json);
  } catch (error) {
    view.close();
    // Awaited here, because the server stops when this function returns.
    if (context.signal.aborted) return await handleInterruption(started, server, context);
    if (error instanceof ApiError) return printProblem(error, context);
    throw error;
  }
}

/** A request whose source and attachments are not uploaded yet. */
interface LocalRequest {
  readonly source: Source;
  readonly attachments: Attachments;
  readonly options: RequestOptions;
}

interface JobCallbacks {
  readonly view: ProgressView;
  readonly signal: AbortSignal;
  /** Called when the job has been created. */
  readonly onStart?: (job: Job) => void;
}

/** Uploads, starts and follows. Throws ApiError, and the reason of `signal` once it aborts. */
export async function runJob(
  { client }: Pick<ServerConnection, 'client'>,
  { source, attachments, options }: LocalRequest,
  { view, signal, onStart }: JobCallbacks,
): Promise<Job> {
  const upload = { signal, onProgress: view.showUpload };
  const main = await uploadSource(source, client, upload);
  const uploaded = await uploadAttachments(main, attachments, client, upload);
  // The console lists jobs by this name.
  const metadata = { filename: sourceName(source).slice(0, MAX_NAME_LENGTH), ...UPLOADED_FOR_JOB };
  const job = await client.createSummary({ ...options, source: uploaded, metadata }, { signal });
  onStart?.(job);
  return followJob(client, job.id, view, signal);
}

/**
 * On a server the job continues. In a system started for this command it is cancelled before the system
 * stops.
 */
async function handleInterruption(
  job: Job | undefined,
  { client, isEmbedded }: ServerConnection,
  { stderr }: CommandContext,
): Promise<number> {
  if (job === undefined) return EXIT_CODES.interrupted;
  if (!isEmbedded) {
    printLine(stderr, `\nThe job continues on the server. To follow it: frameloom jobs watch ${job.id}`);
    return EXIT_CODES.interrupted;
  }
  printLine(stderr, '\nframeloom: cancelling the job');
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
  try {
    let current = await client.cancelSummary(job.id, { signal });
    // Not `retry`: it waits for a status, and no request has failed.
    while (!isFinalStatus(current.status)) {
      await sleep(100);
      current = await client.getSummary(job.id, { signal });
    }
  } catch {
    // The job has already ended, or is cancelled at the next start of the system.
  }
  return EXIT_CODES.interrupted;
}
