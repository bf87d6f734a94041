/**
 * The form in which pictures come out of ffmpeg while it is open which of them are kept. Scaling the planes as they are stored
 * and making RGB of the result, each by its own filter, takes 2.5 ms a picture, measured on 1080p made 720p; in one step, which
 * mixes colours anew for each pixel, it takes 10.
 */
import type { PictureCoding } from '../../schema/source.ts';
import type { Size } from '../picture.ts';
import { pictureFilters, storedSize, turnFilters } from '../picture-filters.ts';

/** From this height on most videos are BT.709: those that are not are converted on the way. */
const HIGH_DEFINITION = 720;

/** What makes packed RGB pictures of `size` of frames that are `full` upright and in square pixels. HDR needs all of ffmpeg's care. */
export function quickPictureFilters(full: Size, size: Size, coding: PictureCoding): readonly string[] {
  if (coding.range !== 'sdr') return pictureFilters(coding, size);
  const matrix = storedSize(coding, full).height >= HIGH_DEFINITION ? 'bt709' : 'bt601';
  const { width, height } = storedSize(coding, size);
  // Limited and full range, and the matrix where the file names it, are read from each frame.
  const read = coding.matrix === undefined ? '' : `:in_color_matrix=${coding.matrix}`;
  return [
    `scale=${width}:${height}:flags=bicubic+accurate_rnd:out_range=tv:out_color_matrix=${matrix}${read}`,
    'format=yuv420p',
    `scale=flags=bicubic:in_range=tv:in_color_matrix=${matrix}`,
    'format=rgb24',
    ...turnFilters(coding),
  ];
}
