/** Parses the command line of `summarize` and `estimate` to a request. */
import { readFile } from 'node:fs/promises';
import type { FrameloomClient } from '../../client/index.ts';
import { type SourceRequest, SummaryRequest, type SummaryRequestInput } from '../../schema/request.ts';
import { type TextEncoding, TextEncodings } from '../../schema/text-encodings.ts';
import { parseCommandLine, UsageError } from '../context.ts';
import type { OnUpload } from '../upload-local-file.ts';
import { definedMember, parseNumber, parseSeconds } from './option-values.ts';
import {
  readSideFile,
  readSource,
  type SideFile,
  type Source,
  type SourceKind,
  uploadSideFile,
} from './sources.ts';

const REQUEST_OPTIONS = {
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
  'subtitles-encoding': { type: 'string' },
  'video-track': { type: 'string' },
  'audio-track': { type: 'string' },
  'subtitle-track': { type: 'string' },
  deck: { type: 'string' },
  'password-file': { type: 'string' },
  'chunk-duration': { type: 'string' },
  detail: { type: 'string' },
  'max-tokens': { type: 'string' },
  'max-cost': { type: 'string' },
  priority: { type: 'string' },
  'custom-id': { type: 'string' },
} as const;

export const REQUEST_USAGE = `  --prompt TEXT           question or topic that the summary should focus on
  --caption-prompt TEXT   replaces the instruction for captions
  --summary-prompt TEXT   replaces the instruction for the summary
  --type KIND             video, deck or images, if the URL does not show it
  --sampling MODE         how frames of a video are chosen: adaptive (default), scene, keyframe, fps or count
  --fps N                 frames per second of video; implies --sampling fps
  --frames N              number of evenly spaced frames; implies --sampling count
  --max-frames N          maximum number of frames
  --start TIME, --end TIME  part of a video, in seconds or mm:ss
  --pages LIST            slides to include, such as 1-20,25
  --subtitles FILE        transcript of the video: SRT, WebVTT, ASS, TTML, JSON, or text lines that start with a time
  --subtitles-encoding NAME  encoding of the subtitle file, such as windows-1251, if it is not recognized
  --video-track N, --audio-track N, --subtitle-track N  tracks of the video to use, by the numbers in source.tracks
  --deck FILE             slides (PDF, PPTX) shown in the video; they are matched to their times
  --password-file FILE    file with the password of an encrypted PDF
  --chunk-duration N      maximum length of a segment in seconds
  --detail LEVEL          low, medium or high
  --max-tokens N          maximum length of the summary in tokens
  --max-cost AMOUNT       cost limit in the server's currency; frames described by then are summarized
  --priority LEVEL        high, normal or low: order in the queue
  --custom-id TEXT        your own id for the job`;

type Values = ReturnType<typeof parseCommandLine<{ options: typeof REQUEST_OPTIONS }>>['values'];
export type RequestOptions = Omit<SummaryRequestInput, 'source'>;

type Tracks = NonNullable<Extract<SourceRequest, { readonly type: 'video' }>['tracks']>;

/** Files, tracks and secrets that belong to a source. */
export interface Attachments {
  readonly subtitles?: SideFile;
  readonly subtitlesEncoding?: TextEncoding;
  readonly deck?: SideFile;
  readonly tracks?: Tracks;
  readonly password?: string;
}

export interface CommandRequest {
  readonly source: Source;
  readonly attachments: Attachments;
  readonly options: RequestOptions;
  readonly json: boolean;
}

/**
 * Parses and checks the arguments before anything is uploaded. Throws UsageError, and FrameloomError for
 * missing files.
 */
export async function readRequestArguments(args: readonly string[]): Promise<CommandRequest> {
  const { values, positionals } = parseCommandLine({
    args: [...args],
    options: { ...REQUEST_OPTIONS, json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const options = requestOptions(values);
  const source = await readSource(positionals, kindOf(values.type));
  return { source, attachments: await readAttachments(values, source), options, json: values.json };
}

/**
 * Throws UsageError where an attachment does not fit the source, FrameloomError where a file does not exist.
 */
async function readAttachments(values: Values, { kind }: Source): Promise<Attachments> {
  const { subtitles, deck, 'password-file': passwordFile, 'subtitles-encoding': encoding } = values;
  if (kind !== 'video' && (subtitles !== undefined || deck !== undefined)) {
    throw new UsageError('--subtitles and --deck require a video.');
  }
  const tracks = tracksOf(values);
  if (kind !== 'video' && tracks !== undefined) {
    throw new UsageError('--video-track, --audio-track and --subtitle-track require a video.');
  }
  if (encoding !== undefined && subtitles === undefined) {
    throw new UsageError('--subtitles-encoding requires --subtitles.');
  }
  if (passwordFile !== undefined && kind !== 'deck' && deck === undefined) {
    throw new UsageError('--password-file requires a PDF.');
  }
  return {
    ...(subtitles === undefined ? {} : { subtitles: await readSideFile(subtitles) }),
    ...(encoding === undefined ? {} : { subtitlesEncoding: encodingOf(encoding) }),
    ...(deck === undefined ? {} : { deck: await readSideFile(deck) }),
    ...(tracks === undefined ? {} : { tracks }),
    // From a file, because other users of the machine can see command lines.
    ...(passwordFile === undefined ? {} : { password: await readPassword(passwordFile) }),
  };
}

/** The tracks that options select; undefined where there are none. Throws UsageError. */
function tracksOf(values: Values): Tracks | undefined {
  const number = (option: 'video-track' | 'audio-track' | 'subtitle-track'): number | undefined => {
    const track = parseNumber(`--${option}`, values[option]);
    if (track !== undefined && !(Number.isInteger(track) && track >= 0))
      throw new UsageError(`--${option} ${values[option]}: must be the number of a stream, from 0.`);
    return track;
  };
  const tracks = {
    ...definedMember('video', number('video-track')),
    ...definedMember('audio', number('audio-track')),
    ...definedMember('subtitles', number('subtitle-track')),
  };
  return Object.keys(tracks).length > 0 ? tracks : undefined;
}

/** The encoding by any of its names: `cp1251`, `Latin1`. Throws UsageError. */
function encodingOf(label: string): TextEncoding {
  try {
    return TextEncodings.parse(new TextDecoder(label).encoding);
  } catch {
    throw new UsageError(
      `--subtitles-encoding ${label}: use a name such as ${TextEncodings.options.join(', ')}.`,
    );
  }
}

async function readPassword(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const password = text?.replace(/\r?\n$/, '');
  if (!password) throw new UsageError('--password-file: the file is empty or cannot be read.');
  return password;
}

/** Uploads the attachments and returns the source with references to them. */
export async function uploadAttachments(
  source: SourceRequest,
  { subtitles, subtitlesEncoding, deck, tracks, password }: Attachments,
  client: FrameloomClient,
  options: { readonly signal: AbortSignal; readonly onProgress: OnUpload },
): Promise<SourceRequest> {
  const secret = password === undefined ? {} : { password };
  const encoding = subtitlesEncoding === undefined ? {} : { encoding: subtitlesEncoding };
  if (source.type === 'deck') return { ...source, ...secret };
  if (source.type !== 'video') return source;
  return {
    ...source,
    ...(subtitles
      ? { subtitles: { ...(await uploadSideFile(subtitles, client, options)), ...encoding } }
      : {}),
    ...(tracks ? { tracks } : {}),
    ...(deck ? { deck: { ...(await uploadSideFile(deck, client, options)), ...secret } } : {}),
  };
}

function kindOf(type: string | undefined): SourceKind | undefined {
  if (type === undefined || type === 'video' || type === 'deck' || type === 'images') return type;
  throw new UsageError(`--type ${type}: must be video, deck or images.`);
}

/** Builds the request members of the options. Throws UsageError. */
function requestOptions(values: Values): RequestOptions {
  const { fps, frames, sampling: mode } = values;
  if (fps !== undefined && frames !== undefined) throw new UsageError('use --fps or --frames, not both.');
  if (mode !== undefined && (fps ?? frames) !== undefined && mode !== (fps === undefined ? 'count' : 'fps')) {
    throw new UsageError('--fps and --frames set the sampling mode; leave out --sampling.');
  }
  if (frames !== undefined && values['max-frames'] !== undefined) {
    throw new UsageError('--frames sets the number of frames; leave out --max-frames.');
  }
  const most = frames ?? values['max-frames'];
  const sampling = {
    ...definedMember('mode', frames === undefined ? mode : 'count'),
    ...definedMember('fps', parseNumber('--fps', fps)),
    ...definedMember('max_frames', parseNumber(frames === undefined ? '--max-frames' : '--frames', most)),
  };
  const options = {
    ...(Object.keys(sampling).length > 0 ? { sampling } : {}),
    ...definedMember('prompt', values.prompt),
    ...definedMember('caption_prompt', values['caption-prompt']),
    ...definedMember('summary_prompt', values['summary-prompt']),
    ...definedMember('start_time', parseSeconds('--start', values.start)),
    ...definedMember('end_time', parseSeconds('--end', values.end)),
    ...definedMember('pages', values.pages),
    ...definedMember('chunk_duration', parseSeconds('--chunk-duration', values['chunk-duration'])),
    ...definedMember('detail', values.detail),
    ...definedMember('max_tokens', parseNumber('--max-tokens', values['max-tokens'])),
    ...definedMember('max_cost', parseNumber('--max-cost', values['max-cost'])),
    ...definedMember('priority', values.priority),
    ...definedMember('custom_id', values['custom-id']),
  };
  // A placeholder source: only the options are checked here.
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
