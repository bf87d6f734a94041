/** Clips whose times are anything but the number of the frame over the rate. */
import type { ReadableFile } from './codecs.ts';
import { H264, lying, setOrientation, split } from './encoding.ts';

export interface TimedFile extends ReadableFile {
  /** Container time of the first shown frame, in seconds. */
  readonly offset: number;
  readonly kind: 'constant' | 'variable';
}

const constant = (rate: number) => (k: number) => k / rate;
/** 25 frames a second, then 7, then a pause of a second, then 25 again. */
const variable = (k: number): number => (k < 25 ? k / 25 : k < 32 ? 1 + (k - 25) / 7 : 3 + (k - 32) / 25);
const VARIABLE = `settb=1/90000,setpts='if(lt(N,25),N/25,if(lt(N,32),1+(N-25)/7,3+(N-32)/25))/TB'`;
const PASS = split('-fps_mode passthrough -enc_time_base 1:90000');
const AT_ONCE = split('-muxdelay 0 -muxpreload 0');
/** 2^33 ticks of 90 kHz. */
const WRAP = 95_443.717689;

const clips: readonly (Omit<TimedFile, 'kind' | 'offset'> & Partial<Pick<TimedFile, 'kind' | 'offset'>>)[] = [
  { name: 'cfr-25.mp4', what: '25 frames a second', args: H264, truth: constant(25) },
  {
    name: 'cfr-23.976.mp4',
    what: '23.976 frames a second',
    rate: '24000/1001',
    args: H264,
    truth: constant(24_000 / 1001),
  },
  {
    name: 'cfr-29.97.mkv',
    what: '29.97 frames a second, in a container that counts milliseconds',
    rate: '30000/1001',
    args: H264,
    truth: constant(30_000 / 1001),
  },
  {
    name: 'cfr-59.94.ts',
    what: '59.94 frames a second, MPEG-TS',
    rate: '60000/1001',
    frames: 180,
    args: [...H264, ...AT_ONCE],
    truth: constant(60_000 / 1001),
    offset: (2 * 1001) / 60_000, // decoding starts at zero, showing as much later as B-frames need
  },
  {
    name: 'vfr.mp4',
    what: 'variable rate',
    args: ['-vf', VARIABLE, ...PASS, ...H264],
    truth: variable,
    kind: 'variable',
  },
  {
    name: 'vfr.mkv',
    what: 'variable rate, Matroska',
    args: ['-vf', VARIABLE, ...PASS, ...H264],
    truth: variable,
    kind: 'variable',
  },
  {
    name: 'late.mkv',
    what: 'a start 12.5 seconds late',
    args: [...H264, '-output_ts_offset', '12.5'],
    truth: constant(25),
    offset: 12.5,
  },
  {
    name: 'late.ts',
    what: 'a start 100 seconds late, MPEG-TS',
    args: [...H264, ...AT_ONCE, '-output_ts_offset', '100'],
    truth: constant(25),
    offset: 100,
  },
  {
    name: 'negative.ts',
    what: 'a start before zero',
    args: [...H264, ...AT_ONCE, '-output_ts_offset', String(WRAP - 0.5)],
    truth: constant(25),
    offset: -0.5,
  },
  {
    name: 'wrap.ts',
    what: 'the 33-bit clock of MPEG-TS starts anew in the middle',
    args: [...H264, ...AT_ONCE, '-output_ts_offset', String(WRAP - 1.5)],
    truth: constant(25),
    offset: -1.5,
  },
  {
    name: 'b-frames.mp4',
    what: 'as many B-frames as can be',
    args: [...H264, '-bf', '16', '-b_strategy', '0', '-x264-params', 'b-pyramid=normal'],
    truth: constant(25),
  },
  {
    name: 'edit-list.mp4',
    what: 'an edit list that hides the first 24 frames',
    // The cut falls between two keyframes: what lies before it must be decoded, and must not be shown.
    args: [...H264, '-output_ts_offset', '-0.96', '-avoid_negative_ts', 'disabled'],
    truth: (k) => (k - 24) / 25,
    shown: (k) => k >= 24,
  },
  {
    name: 'empty-edit.mp4',
    what: 'an edit list that begins with nothing',
    args: [...H264, '-output_ts_offset', '2'],
    truth: constant(25),
    offset: 2,
  },
  {
    name: 'open-gop.ts',
    what: 'groups of pictures that refer to each other',
    args: [...H264, ...AT_ONCE, '-x264-params', 'open-gop=1:keyint=20:bframes=3'],
    truth: constant(25),
    offset: 2 / 25,
  },
  {
    name: 'b-frames.avi',
    what: 'B-frames in a container that knows only the order of decoding',
    args: split('-c:v mpeg4 -bf 2 -q:v 3 -g 20'),
    encoders: ['mpeg4'],
    truth: constant(25),
    offset: 1 / 25,
  },
  {
    name: 'live.webm',
    what: 'no duration and no index',
    args: split('-c:v libvpx -deadline realtime -cpu-used 8 -b:v 1M -f webm -live 1'),
    encoders: ['libvpx'],
    truth: constant(25),
  },
  {
    name: 'turned.mp4',
    what: 'a telephone held upright, variable rate',
    args: ['-vf', `${lying({ turn: 90, mirrored: false })},${VARIABLE}`, ...PASS, ...H264],
    after: (path) => setOrientation(path, { turn: 90, mirrored: false }),
    truth: variable,
    kind: 'variable',
  },
];

export const TIMED: readonly TimedFile[] = clips.map((clip) => ({
  offset: 0,
  kind: 'constant',
  encoders: ['libx264'],
  ...clip,
}));
