/** Reads the packets of a video with ffprobe as they come, so that memory does not grow with the file. */
import type { InputEdit } from '../../schema/source.ts';
import { inputArgs, startProgram } from '../exec/index.ts';
import { type ProbeTarget, probeFailure } from './ffprobe.ts';
import { readEdited } from './joined-files.ts';

/** A packet; times are in seconds on the container's clock. */
export interface ProbedPacket {
  readonly stream: number;
  readonly pts: number | undefined;
  readonly dts: number | undefined;
  readonly duration: number | undefined;
  /** Position in the file, in bytes. */
  readonly position: number | undefined;
  readonly bytes: number;
  /** Decoded, but not displayed: for reference alone. */
  readonly hidden: boolean;
  readonly encrypted: boolean;
}

export interface PacketsRead {
  /** Whether an index entry refers to bytes beyond the end of the file. */
  readonly partial: boolean;
}

export interface PacketRange {
  /** Container time in seconds; undefined: all packets. */
  readonly from?: number | undefined;
  /** Changes with which the file is read; not together with `from`. */
  readonly edits?: readonly InputEdit[];
}

/** Wall-clock limits: for the packets at the end, and for all packets of a long file. */
const TIME_LIMIT_MS = { end: 60_000, wholeFile: 1_800_000 } as const;
/** Longest line of ffprobe; a longer one is not a packet. */
const MAX_LINE = 65_536;
const FIELDS = 'stream_index,pts_time,dts_time,duration_time,size,pos,flags';

/**
 * Passes the packets of all streams to `onPacket`, in the order of the file: those from container time `from`
 * on, found by seeking, or all.
 *
 * @throws FrameloomError `unsupported_media`, `timeout` and others of `toMediaError`; or the reason of the
 *   signal
 */
export async function readPackets(
  target: ProbeTarget,
  { from, edits = [] }: PacketRange,
  onPacket: (packet: ProbedPacket) => void,
): Promise<PacketsRead> {
  const { tools, path, maxPixels, signal } = target;
  const piped = edits.length > 0;
  const show = ['-show_entries', `packet=${FIELDS}:packet_side_data=side_data_type`];
  const interval = from === undefined ? [] : ['-read_intervals', `${from.toFixed(3)}%`];
  const program = startProgram(
    tools.ffprobe,
    [...inputArgs(path, { maxPixels, piped }), ...show, '-of', 'compact=print_section=0', ...interval],
    {
      signal,
      timeLimitMs: from === undefined ? TIME_LIMIT_MS.wholeFile : TIME_LIMIT_MS.end,
      ...(piped ? { input: readEdited(path, edits) } : {}),
    },
  );
  program.secondOutput.resume();
  try {
    let text = '';
    for await (const chunk of program.stdout) {
      const lines = (text + String(chunk)).split('\n');
      text = (lines.pop() ?? '').slice(0, MAX_LINE);
      for (const line of lines) {
        const packet = parsePacket(line);
        if (packet) onPacket(packet);
      }
    }
    const ending = await program.exited;
    if (ending.code !== 0) throw probeFailure(ending, signal);
    return { partial: /partial file/.test(ending.stderr) };
  } finally {
    program.stop();
    await program.exited;
  }
}

function parsePacket(line: string): ProbedPacket | undefined {
  const fields = new Map<string, string>();
  for (const field of line.split('|')) {
    const at = field.indexOf('=');
    if (at > 0) fields.set(field.slice(0, at), field.slice(at + 1));
  }
  const stream = numberOf(fields.get('stream_index'));
  if (stream === undefined) return undefined;
  return {
    stream,
    pts: numberOf(fields.get('pts_time')),
    dts: numberOf(fields.get('dts_time')),
    duration: numberOf(fields.get('duration_time')),
    position: numberOf(fields.get('pos')),
    bytes: numberOf(fields.get('size')) ?? 0,
    hidden: fields.get('flags')?.includes('D') ?? false,
    encrypted: fields.get('side_data_type') === 'Encryption info',
  };
}

/** ffprobe writes `N/A` for what is unknown. */
function numberOf(text: string | undefined): number | undefined {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
