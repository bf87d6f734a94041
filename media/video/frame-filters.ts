/**
 * The ffmpeg filters that make of a stored frame the picture a viewer would see: fields woven together, square pixels, upright,
 * in the colours of an ordinary screen (sRGB). All of it is said here, from what `probeVideo` found: what ffmpeg does by itself
 * differs between its versions.
 */
import type { FrameCoding } from '../../schema/source.ts';
import type { Size } from '../images/index.ts';
import { toneMapping } from './tone-mapping.ts';

/** A frame that is shown as it is stored. */
export const PLAIN: FrameCoding = { turn: 0, mirrored: false, range: 'sdr', interlaced: false };

/**
 * What has to see every frame, before any is left out: fields of neighbours help to fill the missing lines. Frames that are
 * not marked as interlaced pass as they are, so a mixture comes out right; there is one frame for each, with the same time.
 */
export function fieldFilters({ interlaced }: FrameCoding): readonly string[] {
  return interlaced ? ['bwdif=mode=send_frame:parity=auto:deint=interlaced'] : [];
}

/** What makes packed RGB pictures of `size`, which is upright. Scaling comes first: the rest then costs little. */
export function rgbFilters(coding: FrameCoding, size: Size): readonly string[] {
  const { width, height } = storedSize(coding, size);
  // Limited and full range, and the matrix where the file names it, are read from each frame.
  const matrix = coding.matrix === undefined ? '' : `:in_color_matrix=${coding.matrix}`;
  return [
    `scale=${width}:${height}:flags=bicubic+accurate_rnd+full_chroma_int${matrix}`,
    'setsar=1',
    ...toneMapping(coding.range),
    'format=rgb24',
    ...turnFilters(coding),
  ];
}

/**
 * What makes small planes of `size`, upright, on which only changes are looked for: brightness and colour differences as they
 * are stored, each cell the mean of its pixels.
 */
export function planeFilters(coding: FrameCoding, size: Size): readonly string[] {
  const { width, height } = storedSize(coding, size);
  return [`scale=${width}:${height}:flags=area`, 'format=yuv420p', ...turnFilters(coding)];
}

/** Size of an upright picture before it is turned. */
export function storedSize({ turn }: FrameCoding, { width, height }: Size): Size {
  return turn === 90 || turn === 270 ? { width: height, height: width } : { width, height };
}

export function turnFilters({ turn, mirrored }: FrameCoding): readonly string[] {
  return [...TURNS[turn], ...(mirrored ? ['hflip'] : [])];
}

const TURNS: Readonly<Record<FrameCoding['turn'], readonly string[]>> = {
  0: [],
  90: ['transpose=clock'],
  180: ['hflip', 'vflip'],
  270: ['transpose=cclock'],
};
