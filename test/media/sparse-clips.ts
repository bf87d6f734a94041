/** Videos whose frames stay on display for seconds, as tools write them that store a frame only where one changes. */
import { copyOf, generator, mix } from './drawing.ts';
import {
  at,
  beginnings,
  type DrawnClip,
  head,
  indexAt,
  type Make,
  page,
  RATE,
  type Screen,
  shots,
} from './drawn-clips.ts';

/** By kind, as `KINDS`. */
export const SPARSE_KINDS = {
  'recorder on change': recorder,
  'one frame a minute': oneAMinute,
  'meeting at 1 fps': meeting,
  slideshow,
  'slideshow with fades': fadedSlideshow,
  'dropped duplicates': droppedDuplicates,
} as const satisfies Readonly<Record<string, Make>>;

export type SparseKind = keyof typeof SPARSE_KINDS;

const FRAME = 1 / RATE;

/** Pages that change at `times`. */
function pagesAt(screen: Screen, times: readonly number[], seed: number): DrawnClip['draw'] {
  const pages = times.map((_, index) => page(screen, seed * 100 + index, 3 + (index % 3)));
  return (time) => at(pages, indexAt(times, time));
}

/** One frame for each page. */
function recorder(screen: Screen, seconds: number, seed: number): DrawnClip {
  const times = beginnings(seconds, 3, 12, generator(seed));
  const draw = pagesAt(screen, times, seed);
  const stored = times.map((time) => [time, time + FRAME] as const);
  return { name: 'recorder', seconds, stored, cuts: times.slice(1), dissolves: [], news: times, draw };
}

function even(name: string, interval: number, length: (seconds: number) => number): Make {
  return (screen, seconds, seed) => {
    const count = Math.round(length(seconds) / interval);
    const times = Array.from({ length: count }, (_, index) => index * interval);
    const draw = pagesAt(screen, times, seed);
    const [rate, cuts] = [1 / interval, times.slice(1)];
    return { name, seconds: count * interval, rate, cuts, dissolves: [], news: times, draw };
  };
}

/** Ten times as long as other clips. */
function oneAMinute(screen: Screen, seconds: number, seed: number): DrawnClip {
  return even('one frame a minute', 60, () => 10 * seconds)(screen, seconds, seed);
}

function slideshow(screen: Screen, seconds: number, seed: number): DrawnClip {
  return even('slideshow', 5, () => seconds)(screen, seconds, seed);
}

/** One frame a second: pages next to a speaker. */
function meeting(screen: Screen, seconds: number, seed: number): DrawnClip {
  const { width, height } = screen;
  const times = beginnings(seconds, 4, 9, generator(seed)).map(Math.round);
  const pages = pagesAt(screen, times, seed);
  const draw: DrawnClip['draw'] = (time) => {
    const on = copyOf(pages(time));
    head(on, time, width * 0.89, height * 0.82, height * 0.08);
    return on;
  };
  return { name: 'meeting', seconds, rate: 1, cuts: times.slice(1), dissolves: [], news: times, draw };
}

/** Pages that fade in for 13 frames and then stay, without another frame. */
function fadedSlideshow(screen: Screen, seconds: number, seed: number): DrawnClip {
  const times = beginnings(seconds, 4, 11, generator(seed));
  const pages = pagesAt(screen, times, seed);
  const draw: DrawnClip['draw'] = (time) => {
    const begin = times[indexAt(times, time)] ?? 0;
    const share = Math.min(1, (time - begin) / (12 * FRAME));
    return begin === 0 || share >= 1 ? pages(time) : mix(pages(begin - FRAME), pages(time), share);
  };
  const fades = times.slice(1).map((time) => [time, time + 12 * FRAME] as const);
  const stored = [[0, FRAME], ...fades.map(([from, until]) => [from, until + FRAME] as const)] as const;
  const news = [0, ...fades.map(([, end]) => end)];
  return { name: 'faded slideshow', seconds, stored, cuts: [], dissolves: fades, news, draw };
}

/** Film and pages in turn; of a page only the first frame is stored. */
function droppedDuplicates(screen: Screen, seconds: number, seed: number): DrawnClip {
  const times = beginnings(seconds, 2, 5, generator(seed));
  const film = shots(screen, times.length, seed);
  const pages = pagesAt(screen, times, seed);
  const draw: DrawnClip['draw'] = (time) => {
    const index = indexAt(times, time);
    return index % 2 === 0 ? film(index, time - (times[index] ?? 0)) : pages(time);
  };
  const stored = times.map(
    (time, index) => [time, index % 2 === 0 ? (times[index + 1] ?? seconds) : time + FRAME] as const,
  );
  const news = times.filter((_, index) => index % 2 === 1);
  return { name: 'dropped duplicates', seconds, stored, cuts: times.slice(1), dissolves: [], news, draw };
}
