/**
 * What people have: codecs, containers, orientations, fields, colours. Each file shows the drawing upright
 * when it is read right.
 */
import type { Recipe } from './build.ts';
import { H264, HEVC, lying, type Orientation, SINE, setOrientation, split } from './encoding.ts';

export interface ReadableFile extends Recipe {
  readonly what: string;
  /** Time of drawn frame `k`, in seconds from the first shown one. */
  readonly truth: (k: number) => number;
  /** Drawn frames that make up the file, where those are not all of 0 to 74. */
  readonly shown?: (k: number) => boolean;
}

const at25 = (k: number): number => k / 25;
const VP9 = split('-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M');
const MPEG2 = split('-c:v mpeg2video -q:v 3');

const codecs: readonly Omit<ReadableFile, 'truth'>[] = [
  { name: 'late-moov.mp4', what: 'H.264, index at the end', args: H264, encoders: ['libx264'] },
  {
    name: 'faststart.mp4',
    what: 'H.264 with sound, index at the start',
    args: [...SINE, ...H264, '-c:a', 'aac', '-movflags', 'faststart'],
    encoders: ['libx264', 'aac'],
  },
  {
    name: 'fragmented.mp4',
    what: 'H.264 in fragments',
    args: [...H264, '-movflags', 'frag_keyframe+empty_moov'],
    encoders: ['libx264'],
  },
  {
    name: 'h264-10bit.mkv',
    what: 'H.264, 10 bit',
    args: [...H264, '-pix_fmt', 'yuv420p10le'],
    encoders: ['libx264'],
  },
  {
    name: 'h264-444.mov',
    what: 'H.264 without chroma subsampling',
    args: [...H264, '-pix_fmt', 'yuv444p'],
    encoders: ['libx264'],
  },
  { name: 'h264.flv', what: 'H.264 in Flash video', args: H264, encoders: ['libx264'] },
  {
    name: 'h264.m2ts',
    what: 'H.264 as Blu-ray discs and camcorders have it',
    args: [...H264, '-f', 'mpegts', '-mpegts_m2ts_mode', '1'],
    encoders: ['libx264'],
  },
  {
    name: 'hevc.mp4',
    what: 'HEVC, 8 bit',
    args: [...HEVC, '-pix_fmt', 'yuv420p', '-tag:v', 'hvc1'],
    encoders: ['libx265'],
  },
  {
    name: 'hevc-10bit.mkv',
    what: 'HEVC, 10 bit',
    args: [...HEVC, '-pix_fmt', 'yuv420p10le'],
    encoders: ['libx265'],
  },
  {
    name: 'av1.mp4',
    what: 'AV1',
    args: split('-c:v libsvtav1 -preset 12 -pix_fmt yuv420p'),
    encoders: ['libsvtav1'],
  },
  {
    name: 'av1-10bit.webm',
    what: 'AV1, 10 bit',
    args: split('-c:v libaom-av1 -usage realtime -cpu-used 6 -crf 20 -b:v 0 -pix_fmt yuv420p10le'),
    encoders: ['libaom-av1'],
  },
  {
    name: 'vp9.webm',
    what: 'VP9 with Opus',
    args: [...SINE, ...VP9, '-c:a', 'libopus'],
    encoders: ['libvpx-vp9', 'libopus'],
  },
  {
    name: 'vp8-live.webm',
    what: 'VP8 recorded live: no duration, no index',
    args: split('-c:v libvpx -deadline realtime -cpu-used 8 -b:v 1M -f webm -live 1'),
    encoders: ['libvpx'],
  },
  { name: 'mpeg2.ts', what: 'MPEG-2 in a transport stream', args: MPEG2, encoders: ['mpeg2video'] },
  { name: 'mpeg2.mpg', what: 'MPEG-2 in a program stream', args: MPEG2, encoders: ['mpeg2video'] },
  {
    name: 'mpeg2.mxf',
    what: 'MPEG-2 as broadcasters have it',
    args: [...MPEG2, '-pix_fmt', 'yuv422p'],
    encoders: ['mpeg2video'],
  },
  { name: 'mpeg4.avi', what: 'MPEG-4 in AVI', args: split('-c:v mpeg4 -q:v 3'), encoders: ['mpeg4'] },
  {
    name: 'prores.mov',
    what: 'ProRes 422',
    args: split('-c:v prores_ks -profile:v 0 -pix_fmt yuv422p10le'),
    encoders: ['prores_ks'],
  },
  {
    name: 'theora.ogv',
    what: 'Theora in Ogg',
    args: split('-c:v libtheora -q:v 6'),
    encoders: ['libtheora'],
  },
  { name: 'wmv2.wmv', what: 'Windows Media', args: split('-c:v wmv2 -q:v 3'), encoders: ['wmv2'] },
  {
    name: 'mjpeg.mov',
    what: 'Motion JPEG, full range',
    args: split('-c:v mjpeg -q:v 3 -pix_fmt yuvj420p'),
    encoders: ['mjpeg'],
  },
  {
    name: 'animation.mov',
    what: 'QuickTime Animation: RGB',
    args: split('-c:v qtrle -pix_fmt rgb24'),
    encoders: ['qtrle'],
  },
  {
    name: 'ffv1.mkv',
    what: 'FFV1, lossless',
    args: split('-c:v ffv1 -pix_fmt yuv420p'),
    encoders: ['ffv1'],
  },
  {
    name: 'wide-pixels.mp4',
    what: 'pixels that are not square',
    args: ['-vf', 'scale=240:180,setsar=4/3', ...H264],
    encoders: ['libx264'],
  },
  {
    name: 'cover.mp4',
    what: 'a cover picture before the video',
    args: [
      ...split('-f lavfi -i color=red:s=64x64:d=0.04 -map 1 -map 0'),
      ...split('-c:v:0 mjpeg -pix_fmt:v:0 yuvj420p -disposition:v:0 attached_pic'),
      ...split('-c:v:1 libx264 -preset veryfast -g 30 -pix_fmt:v:1 yuv420p'),
    ],
    encoders: ['mjpeg', 'libx264'],
  },
];

const orientations: readonly Omit<ReadableFile, 'truth'>[] = ([0, 90, 180, 270] as const).flatMap((turn) =>
  [false, true].map((mirrored): Omit<ReadableFile, 'truth'> => {
    const orientation: Orientation = { turn, mirrored };
    return {
      name: `turned-${turn}${mirrored ? '-mirrored' : ''}.mp4`,
      what: `to be turned by ${turn} degrees${mirrored ? ' and mirrored' : ''}`,
      args: ['-vf', lying(orientation), ...H264],
      encoders: ['libx264'],
      after: (path) => setOrientation(path, orientation),
    };
  }),
);

/** Of 50 drawn frames a second, each stored frame has the even lines of one and the odd lines of the next. */
const FIELDS = {
  rate: '50',
  frames: 150,
  truth: (k: number): number => k / 50,
  shown: (k: number): boolean => k % 2 === 0,
} as const;

const fields: readonly ReadableFile[] = [
  {
    ...FIELDS,
    name: 'interlaced.mp4',
    what: 'interlaced H.264, upper field first',
    args: ['-vf', 'tinterlace=interleave_top,setfield=tff', ...H264, '-x264-params', 'tff=1'],
    encoders: ['libx264'],
  },
  {
    ...FIELDS,
    name: 'interlaced.ts',
    what: 'interlaced MPEG-2, lower field first',
    args: ['-vf', 'tinterlace=interleave_bottom,setfield=bff', ...MPEG2, '-flags', '+ilme+ildct'],
    encoders: ['mpeg2video'],
  },
  {
    ...FIELDS,
    name: 'interlaced.avi',
    what: 'interlaced MPEG-4, which only its frames say',
    args: [
      ...['-vf', 'tinterlace=interleave_top,setfield=tff'],
      ...split('-c:v mpeg4 -q:v 3 -flags +ilme+ildct'),
    ],
    encoders: ['mpeg4'],
  },
];

/** The drawing with white at 203 cd/m² (ITU-R BT.2408), in the terms of SMPTE ST 2084 and ARIB STD-B67. */
const LIGHT = 'pow((val/65535+0.055)/1.055,2.4)';
const PQ = `st(0,pow(0.0203*${LIGHT},0.1593017578));65535*pow((0.8359375+18.8515625*ld(0))/(1+18.6875*ld(0)),78.84375)`;
const HLG = `st(0,pow(0.203*${LIGHT},1/1.2));65535*if(lte(ld(0),1/12),sqrt(3*ld(0)),0.17883277*log(12*ld(0)-0.28466892)+0.55991073)`;

function highRange(curve: string, transfer: string): readonly string[] {
  const filters = [
    'format=gbrp16le',
    `lutrgb=r='${curve}':g='${curve}':b='${curve}'`,
    'scale=out_color_matrix=bt2020:out_range=tv',
    'format=yuv420p10le',
  ];
  const colours = split('-color_primaries bt2020 -colorspace bt2020nc -color_range tv');
  return ['-vf', filters.join(','), ...HEVC, ...colours, '-color_trc', transfer];
}

const ranges: readonly Omit<ReadableFile, 'truth'>[] = [
  {
    name: 'hdr-pq.mp4',
    what: 'high dynamic range, PQ',
    args: highRange(PQ, 'smpte2084'),
    encoders: ['libx265'],
  },
  {
    name: 'hdr-hlg.mkv',
    what: 'high dynamic range, HLG',
    args: highRange(HLG, 'arib-std-b67'),
    encoders: ['libx265'],
  },
];

export const READABLE: readonly ReadableFile[] = [
  ...[...codecs, ...orientations, ...ranges].map((file) => ({ ...file, truth: at25 })),
  ...fields,
];
