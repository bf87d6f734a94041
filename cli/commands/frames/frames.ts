/** `frameloom frames SOURCE --out DIR`: writes the frames that a job would describe to files. */
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { formatCount, formatRange, formatTime } from '../../../core/format.ts';
import { SummaryRequest } from '../../../schema/request.ts';
import { definedMember, parseNumber, parseSeconds, readSource } from '../../arguments/index.ts';
import { type Command, EXIT_CODES, parseCommandLine, printLine, UsageError } from '../../context.ts';
import { findTool } from '../../find-tool.ts';
import { extractFrames } from './extract-frames.ts';

const OPTIONS = {
  out: { type: 'string' },
  mode: { type: 'string' },
  fps: { type: 'string' },
  'max-frames': { type: 'string' },
  start: { type: 'string' },
  end: { type: 'string' },
} as const;

/** Minimum time between two lines of progress. */
const LINE_INTERVAL_MS = 2000;

export const frames: Command = {
  summary: 'extract the frames of a video that a job would describe',
  usage: `usage: frameloom frames SOURCE --out DIR [options]

SOURCE is a video file. Writes the selected frames (JPEG, named by number and time), frames.jsonl with every decision and
its reason, and contact-sheet.jpg to DIR, which must be empty or not exist. Runs on this machine without a server or a
model.

  --out DIR            folder to write to
  --mode MODE          adaptive (default), scene, keyframe, fps or count
  --fps N              frames per second, for mode fps
  --max-frames N       maximum number of frames; for mode count, their number (default 600)
  --start TIME, --end TIME  part of the video, in seconds or mm:ss

Exit codes: 0 done, 3 done but the file ends early, 1 failed, 2 wrong usage.`,

  async run(args, { env, settings, signal, stdout, stderr }) {
    const { values, positionals } = parseCommandLine({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const { out } = values;
    if (out === undefined) throw new UsageError('name the folder to write to with --out DIR.');
    if (positionals.length !== 1) throw new UsageError('name one video file.');
    const request = requestOf(values);
    const source = await readSource(positionals);
    const [file] = source.at === 'disk' && source.kind === 'video' ? source.files : [];
    if (!file) throw new UsageError('the source must be a video file.');
    if ((await readdir(out).catch(() => [])).length > 0)
      throw new UsageError(`the folder ${basename(out)} is not empty.`);

    const line = createProgressLine(stderr, basename(file.path));
    const extracted = await extractFrames({
      path: file.path,
      out,
      request,
      tools: { ffmpeg: findTool('ffmpeg', env), ffprobe: findTool('ffprobe', env) },
      maxPixels: settings.maxPixels,
      signal,
      onProgress: line.update,
    }).finally(line.close);
    const { kept, considered, seconds, missing } = extracted;
    printLine(
      stdout,
      `${formatCount(kept, 'frame')} of ${considered} kept, from ${formatTime(seconds)}: ${out}`,
    );
    if (missing === undefined) return EXIT_CODES.complete;
    printLine(
      stderr,
      `The file ends early: ${formatRange(missing.start, missing.end)} could not be read. Copy it again.`,
    );
    return EXIT_CODES.gaps;
  },
};

function requestOf(
  values: ReturnType<typeof parseCommandLine<{ options: typeof OPTIONS }>>['values'],
): SummaryRequest {
  const checked = SummaryRequest.safeParse({
    source: { type: 'video', url: 'http://localhost/' }, // a placeholder: only the options are checked
    sampling: {
      ...definedMember('mode', values.mode),
      ...definedMember('fps', parseNumber('--fps', values.fps)),
      ...definedMember('max_frames', parseNumber('--max-frames', values['max-frames'])),
    },
    ...definedMember('start_time', parseSeconds('--start', values.start)),
    ...definedMember('end_time', parseSeconds('--end', values.end)),
  });
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new UsageError(`${String(issue?.path.at(-1)).replaceAll('_', '-')}: ${issue?.message}.`);
}

/** One redrawn line on a terminal, a line every two seconds otherwise. */
function createProgressLine(
  out: NodeJS.WritableStream & { readonly isTTY?: boolean },
  name: string,
): { update: (done: number, total: number, kept: number) => void; close: () => void } {
  let next = Date.now() + (out.isTTY ? 0 : LINE_INTERVAL_MS);
  return {
    update(done, total, kept) {
      const now = Date.now();
      if (now < next) return;
      next = now + (out.isTTY ? 100 : LINE_INTERVAL_MS);
      const text = `${name}: ${formatTime(done)} of ${formatTime(total)}, ${formatCount(kept, 'frame')} kept`;
      out.write(out.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
    },
    close() {
      if (out.isTTY) out.write('\r\x1b[K');
    },
  };
}
