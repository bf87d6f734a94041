/** `frameloom summarize SOURCE…`: one job, followed to its end. */
import { readFile } from 'node:fs/promises';
import { ApiError } from '../../api/client.ts';
import { isFinal, type Job } from '../../schema/job.ts';
import { type SourceRequest, SummaryRequest, type SummaryRequestInput } from '../../schema/request.ts';
import { connectServer, type ServerConnection } from '../connect.ts';
import { type Command, type CommandContext, parseCommandLine, printLine, UsageError } from '../context.ts';
import { followJob, printOutcome, printProblem } from '../follow.ts';
import { given, numberOf, secondsOf } from '../option-values.ts';
import { type ProgressView, progressView } from '../progress.ts';
import {
  readSideFile,
  readSources,
  type SideFile,
  type Source,
  type SourceKind,
  sourceName,
  uploadSideFile,
  uploadSource,
} from '../sources.ts';

const OPTIONS = {
  prompt: { type: 'string' },
  'caption-prompt': { type: 'string' },
  'summary-prompt': { type: 'string' },
  type: { type: 'string' },
  sampling: { type: 'string' },
  fps: { type: 'string' },
  frames: { type: 'string' },
  'max-frames': { type: 'string' },
  start: { type: 'string' },
  end: { type: 'string' },
  pages: { type: 'string' },
  subtitles: { type: 'string' },
  deck: { type: 'string' },
  'password-file': { type: 'string' },
  'chunk-duration': { type: 'string' },
  detail: { type: 'string' },
  'max-tokens': { type: 'string' },
  priority: { type: 'string' },
  'custom-id': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

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

  --prompt TEXT           what the summary should answer or stress
  --caption-prompt TEXT   replaces the instruction for captions
  --summary-prompt TEXT   replaces the instruction for the summary
  --type KIND             video, deck or images, where an address does not show it
  --sampling MODE         how pictures of a video are chosen: adaptive (default), scene, keyframe, fps or count
  --fps N                 take so many pictures per second of video instead
  --frames N              take N pictures, evenly spread, instead
  --max-frames N          most pictures taken
  --start TIME, --end TIME  part of a video, in seconds or mm:ss
  --pages LIST            slides, such as 1-20,25
  --subtitles FILE        words spoken in the video: SRT, WebVTT, ASS, TTML, or lines that begin with their time
  --deck FILE             the slides (PDF, PPTX) that the video shows: they are matched to their times
  --password-file FILE    file with the password of an encrypted PDF
  --chunk-duration N      longest segment in seconds
  --detail LEVEL          low, medium or high
  --max-tokens N          most tokens of the summary
  --priority LEVEL        high, normal or low: whose waiting work goes first
  --custom-id TEXT        your own name for the job
  --json                  print the result as JSON

FRAMELOOM_URL names the server to use; without it a system that runs on this machine is used, or one is started for
this job. Exit codes: 0 complete, 3 with gaps, 1 failed, 2 wrong usage.`,

  async run(args, context) {
    const { values, positionals } = parseCommandLine({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const options = requestOptions(values);
    const source = await readSources(positionals, kindOf(values.type));
    return summarizeSource(source, await readExtras(values, source), options, values.json, context);
  },
};

/** What goes with a source. */
interface Extras {
  readonly subtitles?: SideFile;
  readonly deck?: SideFile;
  readonly password?: string;
}

/** Throws UsageError where it does not fit the source, FrameloomError where it is not there. */
async function readExtras(values: Values, { kind }: Source): Promise<Extras> {
  const { subtitles, deck, 'password-file': passwordFile } = values;
  if (kind !== 'video' && (subtitles !== undefined || deck !== undefined)) {
    throw new UsageError('--subtitles and --deck go with a video.');
  }
  if (passwordFile !== undefined && kind !== 'deck' && deck === undefined) {
    throw new UsageError('--password-file goes with a PDF.');
  }
  return {
    ...(subtitles === undefined ? {} : { subtitles: await readSideFile(subtitles) }),
    ...(deck === undefined ? {} : { deck: await readSideFile(deck) }),
    // From a file, since the words of a command line are seen by everybody on the machine.
    ...(passwordFile === undefined ? {} : { password: await readPassword(passwordFile) }),
  };
}

async function readPassword(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const password = text?.replace(/\r?\n$/, '');
  if (!password) throw new UsageError('--password-file: there is no password in this file.');
  return password;
}

async function withExtras(
  source: SourceRequest,
  { subtitles, deck, password }: Extras,
  client: ServerConnection['client'],
  signal: AbortSignal,
): Promise<SourceRequest> {
  const secret = password === undefined ? {} : { password };
  if (source.type === 'deck') return { ...source, ...secret };
  if (source.type !== 'video') return source;
  return {
    ...source,
    ...(subtitles ? { subtitles: await uploadSideFile(subtitles, client, signal) } : {}),
    ...(deck ? { deck: { ...(await uploadSideFile(deck, client, signal)), ...secret } } : {}),
  };
}

type Values = ReturnType<typeof parseCommandLine<{ options: typeof OPTIONS }>>['values'];
export type RequestOptions = Omit<SummaryRequestInput, 'source'>;

async function summarizeSource(
  source: Source,
  extras: Extras,
  options: RequestOptions,
  json: boolean,
  context: CommandContext,
): Promise<number> {
  await using server = await connectServer(context);
  const view = progressView(context.stderr, sourceName(source));
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
  extras: Extras = {},
  onStart: (job: Job) => void = () => {},
): Promise<Job> {
  const main = await uploadSource(source, client, { signal, onProgress: view.upload });
  const uploaded = await withExtras(main, extras, client, signal);
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
    while (!isFinal(current.status)) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      current = await client.getSummary(job.id, { signal });
    }
  } catch {
    // It had ended already, or is cancelled when the system starts again.
  }
  return INTERRUPTED;
}

function kindOf(type: string | undefined): SourceKind | undefined {
  if (type === undefined || type === 'video' || type === 'deck' || type === 'images') return type;
  throw new UsageError(`--type ${type}: say video, deck or images.`);
}

/** The request of the options, checked before anything is uploaded. Throws UsageError. */
function requestOptions(values: Values): RequestOptions {
  const { fps, frames, sampling: mode } = values;
  if (fps !== undefined && frames !== undefined) throw new UsageError('give --fps or --frames, not both.');
  if (mode !== undefined && (fps ?? frames) !== undefined && mode !== (fps === undefined ? 'count' : 'fps')) {
    throw new UsageError('--fps and --frames are ways of sampling of their own; leave --sampling out.');
  }
  if (frames !== undefined && values['max-frames'] !== undefined) {
    throw new UsageError('--frames says how many pictures are taken; --max-frames goes with the other ways.');
  }
  const most = frames ?? values['max-frames'];
  const sampling = {
    ...given('mode', frames === undefined ? mode : 'count'),
    ...given('fps', numberOf('--fps', fps)),
    ...given('max_frames', numberOf(frames === undefined ? '--max-frames' : '--frames', most)),
  };
  const options = {
    ...(Object.keys(sampling).length > 0 ? { sampling } : {}),
    ...given('prompt', values.prompt),
    ...given('caption_prompt', values['caption-prompt']),
    ...given('summary_prompt', values['summary-prompt']),
    ...given('start_time', secondsOf('--start', values.start)),
    ...given('end_time', secondsOf('--end', values.end)),
    ...given('pages', values.pages),
    ...given('chunk_duration', secondsOf('--chunk-duration', values['chunk-duration'])),
    ...given('detail', values.detail),
    ...given('max_tokens', numberOf('--max-tokens', values['max-tokens'])),
    ...given('priority', values.priority),
    ...given('custom_id', values['custom-id']),
  };
  // Any source does: only the options are being checked here.
  const checked = SummaryRequest.safeParse({
    ...options,
    source: { type: 'video', url: 'http://localhost/' },
  });
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new UsageError(`${issue?.path.join('.').replaceAll('_', '-')}: ${issue?.message}.`);
  }
  return options as RequestOptions; // as just checked
}
