/**
 * The ffmpeg filters that convert a stored frame to the image that a viewer sees: deinterlaced, with square
 * pixels, upright, in the colours of an ordinary screen (sRGB). Every step is explicit, from the result of
 * `probeVideo`: the defaults of ffmpeg differ between its versions.
 */
import type { FrameCoding } from '../../schema/source.ts';
import type { Size } from '../images/index.ts';
import { toneMapping } from './tone-mapping.ts';

/** The coding of frames that are displayed as they are stored. */
export const PLAIN_CODING: FrameCoding = { turn: 0, mirrored: false, range: 'sdr', interlaced: false };

/**
 * Deinterlacing. It must precede the selection of frames, because it fills missing lines from the fields of
 * neighbours. Frames that are not marked as interlaced pass unchanged, so mixtures are correct; each frame
 * gives one frame with the same time.
 */
export function fieldFilters({ interlaced }: FrameCoding): readonly string[] {
  return interlaced ? ['bwdif=mode=send_frame:parity=auto:deint=interlaced'] : [];
}

/** Puts transparent frames on white, as images are. The labels allow this once in a filter graph. */
export function backgroundFilters({ transparent, matrix }: FrameCoding): readonly string[] {
  if (!transparent) return [];
  const read = matrix === undefined ? [] : [`scale=in_color_matrix=${matrix}`];
  return [
    ...read,
    'format=rgba,split[figure][copy];[copy]lutrgb=r=255:g=255:b=255:a=255[white];[white][figure]overlay=format=rgb',
  ];
}

/** `pad` rounds odd sizes down where colour has half the resolution. */
const FULL_CHROMA = 'format=yuv444p|yuv444p10le|yuv444p12le|yuv444p16le|gbrp|gbrp10le|gbrp16le|rgb24|rgba';

/**
 * Scales frames to `size` by a `scale` filter with further `options`. The size of frames may change within a
 * video: each keeps its aspect ratio, with black bars. Sizes that differ by rounding only are the same.
 */
export function scaleFilters({ width, height }: Size, options: string): readonly string[] {
  const same = `lte(abs(${width}-${height}*dar),0.51*max(1,dar)+1.01)`;
  const within = (side: number, other: string): string =>
    `'if(${same},${side},max(1,min(${side},round(${other}))))'`;
  return [
    `scale=w=${within(width, `${height}*dar`)}:h=${within(height, `${width}/dar`)}:${options}`,
    'setsar=1',
    ...(width % 2 === 0 && height % 2 === 0 ? [] : [FULL_CHROMA]),
    `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`,
  ];
}

/**
 * Conversion to packed RGB images of `size`, which is upright. Scaling comes first, so that the rest costs
 * little.
 */
export function rgbFilters(coding: FrameCoding, size: Size): readonly string[] {
  const { width, height } = storedSize(coding, size);
  // Limited and full range, and the matrix where the file names it, are read from each frame.
  const matrix = coding.matrix === undefined ? '' : `:in_color_matrix=${coding.matrix}`;
  return [
    ...scaleFilters({ width, height }, `flags=bicubic+accurate_rnd+full_chroma_int${matrix}`),
    ...toneMapping(coding.range),
    'format=rgb24',
    ...turnFilters(coding),
  ];
}

/**
 * Conversion to small planes of `size`, upright, for change detection only: luma and colour differences as
 * they are stored, each cell the mean of its pixels.
 */
export function planeFilters(coding: FrameCoding, size: Size): readonly string[] {
  return [...scaleFilters(storedSize(coding, size), 'flags=area'), 'format=yuv420p', ...turnFilters(coding)];
}

/** Size of an upright image before rotation, as it is stored. */
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
