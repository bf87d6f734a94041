/**
 * The tracks by the headers: which stream it is, and how its frames are stored and
 * displayed.
 */
import { FrameloomError } from '../../core/errors.ts';
import type { FrameCoding, SourceTrack } from '../../schema/source.ts';
import type { Size } from '../images/index.ts';
import { type ProbedHeaders, type ProbedStream, parseRatio } from './ffprobe.ts';

/**
 * Returns the stream to read: the one with number `wanted`, else the video that a player shows. Throws
 * `no_video_stream`, `no_such_track`, `encrypted_media`, `unsupported_media`.
 */
export function findVideoStream({ streams }: ProbedHeaders, wanted?: number): ProbedStream {
  const stream = wanted === undefined ? mainVideo(streams) : streams.find(({ index }) => index === wanted);
  if (wanted !== undefined && stream?.codec_type !== 'video') {
    throw new FrameloomError('no_such_track', `Track ${wanted} of the file is not a video track.`);
  }
  if (!stream) {
    const cover = streams.some(({ codec_type }) => codec_type === 'video') ? ' and a cover image' : '';
    const hasSound = streams.some(({ codec_type }) => codec_type === 'audio');
    throw new FrameloomError(
      'no_video_stream',
      `The file has ${hasSound ? `only audio${cover}` : 'no video stream'}.`,
    );
  }
  const tag = stream.codec_tag_string ?? '';
  // Matroska and WebM, MPEG common encryption, FairPlay.
  if (stream.tags?.enc_key_id !== undefined || ['encv', 'drmi', 'drmt'].includes(tag)) throw encrypted();
  if (stream.codec_name === undefined || stream.codec_name === 'unknown') {
    const named = /^\w+$/.test(tag) ? ` (${tag})` : '';
    throw new FrameloomError(
      'unsupported_media',
      `The video codec${named} is not supported. Convert the video to H.264.`,
    );
  }
  return stream;
}

/**
 * Returns the size of a displayed frame: upright, with square pixels by stretching the width. Throws
 * `media_too_large`.
 */
export function uprightSize(stream: ProbedStream, { turn }: FrameCoding, maxPixels: number): Size {
  const { width = 0, height = 0 } = stream;
  const aspect = parseRatio(stream.sample_aspect_ratio) ?? 1;
  const square = { width: Math.max(1, Math.round(width * aspect)), height };
  const pixels = Math.max(width, square.width) * height;
  if (pixels > maxPixels) {
    throw new FrameloomError(
      'media_too_large',
      `A frame has ${Math.max(width, square.width)} × ${height} pixels; the limit is ${maxPixels} pixels.`,
    );
  }
  return turn === 90 || turn === 270 ? { width: square.height, height: square.width } : square;
}

/** Codecs that may contain fields without a mark in the headers: each frame is marked separately. */
const FIELD_CODECS = new Set(['mpeg1video', 'mpeg2video', 'mpeg4', 'h264', 'hevc', 'vc1', 'dvvideo']);
/** ffmpeg's names of pixel formats with alpha. */
const ALPHA_FORMATS = /^(yuva|rgba|argb|bgra|abgr|gbrap|ya8|ya16|pal8|ayuv)/;
const FIELD_ORDERS = new Set(['tt', 'bb', 'tb', 'bt']);
/** From this height on unmarked colours count as BT.709, as in players, else as BT.601. */
const HIGH_DEFINITION_LINES = 720;

export function codingOf(stream: ProbedStream): FrameCoding {
  const { color_space, color_transfer, field_order = 'unknown', codec_name = '', height = 0 } = stream;
  const range = color_transfer === 'smpte2084' ? 'pq' : color_transfer === 'arib-std-b67' ? 'hlg' : 'sdr';
  const isUnmarked = color_space === undefined || color_space === 'unknown' || color_space === 'reserved';
  const assumed = range !== 'sdr' ? 'bt2020' : height >= HIGH_DEFINITION_LINES ? 'bt709' : undefined;
  return {
    ...orientation(stream),
    range,
    ...(isUnmarked && assumed !== undefined ? { matrix: assumed } : {}),
    ...(ALPHA_FORMATS.test(stream.pix_fmt ?? '') ? { transparent: true } : {}),
    interlaced:
      FIELD_ORDERS.has(field_order) || (field_order !== 'progressive' && FIELD_CODECS.has(codec_name)),
  };
}

/**
 * From the display matrix, which maps stored points to displayed ones. ffprobe prints it as three lines of
 * three numbers; its own `rotation` does not distinguish mirrored frames from rotated ones.
 */
function orientation({ side_data_list = [] }: ProbedStream): Pick<FrameCoding, 'turn' | 'mirrored'> {
  const text = side_data_list.find(({ displaymatrix }) => displaymatrix !== undefined)?.displaymatrix ?? '';
  const rows = text.split('\n').flatMap((line) => {
    const match = /^[0-9a-f]+: +(-?\d+) +(-?\d+) +(-?\d+)$/.exec(line.trim());
    return match ? [match.slice(1).map(Number)] : [];
  });
  const [[a = 1, b = 0] = [], [c = 0, d = 1] = []] = rows;
  const mirrored = a * d - b * c < 0;
  const quarters = Math.round(Math.atan2(b, mirrored ? -a : a) / (Math.PI / 2));
  return { turn: QUARTERS[(quarters + 4) % 4] ?? 0, mirrored };
}

const QUARTERS = [0, 90, 180, 270] as const;

/** Codecs of single images: a track of them next to another video is most likely a poster. */
const IMAGE_CODECS = new Set(['mjpeg', 'png', 'bmp', 'gif', 'webp', 'tiff']);

/**
 * The first track with the highest rank: the default flag counts most, except for images beside a film. A
 * track without a size was announced in the headers, but no frame of it was found.
 */
function mainVideo(streams: readonly ProbedStream[]): ProbedStream | undefined {
  const videos = streams.filter((stream) => stream.codec_type === 'video' && !isPoster(stream));
  const rank = ({ width, codec_name = '', disposition }: ProbedStream): number =>
    (width ? 4 : 0) + (disposition?.default === 1 ? 2 : 0) + (IMAGE_CODECS.has(codec_name) ? 0 : 1);
  const best = Math.max(...videos.map(rank));
  return videos.find((stream) => rank(stream) === best);
}

/** Cover images, thumbnails of chapters, and still images that belong to another track. */
function isPoster({ disposition }: ProbedStream): boolean {
  return [disposition?.attached_pic, disposition?.timed_thumbnails, disposition?.still_image].includes(1);
}

const BITMAP_SUBTITLES = new Set(['dvb_subtitle', 'dvd_subtitle', 'hdmv_pgs_subtitle', 'xsub']);
const TRACK_TYPES = { video: 'video', audio: 'audio', subtitle: 'subtitles' } as const;

/** Returns the video, audio and subtitle tracks of the file, in its order. */
export function tracksOf({ streams }: ProbedHeaders): readonly SourceTrack[] {
  return streams.flatMap((stream): readonly SourceTrack[] => {
    const { index, codec_type, codec_name = 'unknown', disposition, tags } = stream;
    if (codec_type !== 'video' && codec_type !== 'audio' && codec_type !== 'subtitle') return [];
    const { language, title } = tags ?? {};
    return [
      {
        index,
        type: TRACK_TYPES[codec_type],
        codec: codec_name,
        ...(language === undefined || language === 'und' ? {} : { language: language.slice(0, 35) }),
        ...(title === undefined ? {} : { title: title.slice(0, 200) }),
        ...(disposition?.default === 1 ? { default: true } : {}),
        ...(disposition?.forced === 1 ? { forced: true } : {}),
        ...roleOf(stream),
        ...(codec_type === 'video' && isPoster(stream) ? { poster: true } : {}),
        ...(BITMAP_SUBTITLES.has(codec_name) ? { bitmap: true } : {}),
      },
    ];
  });
}

function roleOf({ disposition = {} }: ProbedStream): Pick<SourceTrack, 'role'> {
  if (disposition.comment === 1) return { role: 'commentary' };
  if (disposition.hearing_impaired === 1 || disposition.captions === 1) return { role: 'captions' };
  const isForBlind = disposition.visual_impaired === 1 || disposition.descriptions === 1;
  return isForBlind ? { role: 'descriptions' } : {};
}

export function undecodable(): FrameloomError {
  return new FrameloomError(
    'media_truncated',
    'No frame of the video can be decoded: it is cut off or damaged. Upload it again.',
  );
}

export function encrypted(): FrameloomError {
  return new FrameloomError('encrypted_media', 'The video is encrypted (DRM). Upload it without encryption.');
}
