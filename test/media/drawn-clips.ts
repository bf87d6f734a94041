/**
 * Videos of every kind that a frame policy must get right, drawn, so that the truth of every change is known.
 */
import {
  box,
  type Canvas,
  canvas,
  copyOf,
  crop,
  disc,
  generator,
  grain,
  letter,
  mix,
  place,
  words,
} from './drawing.ts';

export interface DrawnClip {
  readonly name: string;
  readonly seconds: number;
  /** Frames a second that are drawn. Default: `RATE`. */
  readonly rate?: number;
  /**
   * The frames that are stored: those from the first to before the second time, in seconds. The last of them
   * stays on display until the next. Default: all.
   */
  readonly stored?: readonly (readonly [from: number, until: number])[];
  /** Hard changes of shot or slide, in seconds. */
  readonly cuts: readonly number[];
  /** Dissolves and fades from one shot to another. */
  readonly dissolves: readonly (readonly [start: number, end: number])[];
  /**
   * Everything a viewer must get to see, such as a new line: times from which it stands there for at least a
   * second.
   */
  readonly news: readonly number[];
  draw(time: number): Canvas;
}

export const RATE = 25;

export interface Screen {
  readonly width: number;
  readonly height: number;
}

export type Make = (screen: Screen, seconds: number, seed: number) => DrawnClip;

/** By kind. Each is made for a screen, a length and a seed. */
export const KINDS = {
  slides,
  'slides with animations': animatedSlides,
  'talking head': talkingHead,
  'fast cuts': fastCuts,
  dissolves,
  'fades through black': fades,
  typing,
  scrolling,
  'small moving object': smallObject,
  'noisy camera': noisy,
  'moving camera': movingCamera,
  flashes,
  'lecture with speaker': lectureWithSpeaker,
} as const satisfies Readonly<Record<string, Make>>;

export type Kind = keyof typeof KINDS;

/**
 * Times at which something begins, on whole frames: from 0, each at least `least` and at most `most` after
 * the one before.
 */
export function beginnings(seconds: number, least: number, most: number, random: () => number): number[] {
  const times = [0];
  for (;;) {
    const next = Math.round(((times.at(-1) ?? 0) + least + (most - least) * random()) * RATE) / RATE;
    if (next > seconds - least) return times;
    times.push(next);
  }
}

export function indexAt(times: readonly number[], time: number): number {
  return times.findLastIndex((begin) => begin <= time + 1e-6);
}

export function page({ width, height }: Screen, seed: number, lines: number): Canvas {
  const on = canvas(width, height, [250, 250, 246]);
  const dot = height / 180;
  words(on, width * 0.08, height * 0.08, dot * 1.6, 12 + (seed % 5), seed * 3 + 1, [20, 40, 110]);
  for (let line = 0; line < lines; line++) bullet(on, seed, line);
  if (seed % 3 === 0) {
    const colour = [40 + ((seed * 53) % 180), 90, 200 - ((seed * 37) % 150)] as const;
    box(on, width * 0.6, height * (0.35 + 0.05 * (seed % 4)), width * 0.3, height * 0.4, colour);
  }
  return on;
}

function bullet(on: Canvas, seed: number, line: number): void {
  const dot = on.height / 180;
  words(
    on,
    on.width * 0.1,
    on.height * (0.28 + 0.12 * line),
    dot,
    22 + ((seed + line) % 6),
    seed * 17 + line + 2,
  );
}

function slides(screen: Screen, seconds: number, seed: number): DrawnClip {
  const times = beginnings(seconds, 2, 8, generator(seed));
  const pages = times.map((_, index) => page(screen, seed * 100 + index, 3 + (index % 3)));
  const cuts = times.slice(1);
  return {
    name: 'slides',
    seconds,
    cuts,
    dissolves: [],
    news: times,
    draw: (t) => at(pages, indexAt(times, t)),
  };
}

function animatedSlides(screen: Screen, seconds: number, seed: number): DrawnClip {
  const times = beginnings(seconds, 7, 11, generator(seed));
  const lineAt = (time: number): number => Math.min(5, Math.floor(time / 1.4)); // then a fade-in of 0.4 s
  const draw = (time: number): Canvas => {
    const index = indexAt(times, time);
    const since = time - (times[index] ?? 0);
    const lines = lineAt(since);
    const before = page(screen, seed * 100 + index, Math.max(0, lines - 1));
    if (lines === 0) return before;
    const after = copyOf(before);
    bullet(after, seed * 100 + index, lines - 1);
    return mix(before, after, Math.min(1, (since - lines * 1.4) / 0.4));
  };
  const news = times.flatMap((time, index) =>
    [0, 1, 2, 3, 4, 5].flatMap((line) => {
      const shown = time + line * 1.4 + (line > 0 ? 0.4 : 0);
      return shown < (times[index + 1] ?? seconds) - 1 ? [shown] : [];
    }),
  );
  return { name: 'slides with animations', seconds, cuts: times.slice(1), dissolves: [], news, draw };
}

export function head(on: Canvas, time: number, x: number, y: number, size: number): void {
  const sway = Math.sin(time * 2.1) * size * 0.25 + Math.sin(time * 5.3) * size * 0.07;
  const nod = Math.sin(time * 3.7) * size * 0.1;
  box(on, x - size * 1.3 + sway * 0.5, y + size, size * 2.6, size * 2, [50, 60, 120]);
  disc(on, x + sway, y + nod, size * 0.75, size, [215, 170, 140]);
  for (const side of [-1, 1])
    disc(on, x + sway + side * size * 0.3, y + nod - size * 0.2, size * 0.1, size * 0.08, [30, 30, 30]);
  disc(
    on,
    x + sway,
    y + nod + size * 0.45,
    size * 0.3,
    size * (0.05 + 0.12 * Math.abs(Math.sin(time * 9))),
    [120, 40, 40],
  );
}

function talkingHead(screen: Screen, seconds: number, seed: number): DrawnClip {
  const { width, height } = screen;
  const room = place(width, height, seed + 40);
  const random = generator(seed);
  const draw = (time: number): Canvas => {
    const on = copyOf(room);
    head(on, time, width / 2, height * 0.45, height * 0.22);
    grain(on, 4, random);
    return on;
  };
  return { name: 'talking head', seconds, cuts: [], dissolves: [], news: [0], draw };
}

/** Shots of places: the camera drifts, something crosses the picture. */
export function shots(screen: Screen, count: number, seed: number): (index: number, time: number) => Canvas {
  const { width, height } = screen;
  const wide = Array.from({ length: count }, (_, index) =>
    place(Math.round(width * 1.4), Math.round(height * 1.2), seed * 1000 + index),
  );
  return (index, time) => {
    const drift = ((index % 3) - 1) * width * 0.06;
    const on = crop(at(wide, index), width * 0.2 + drift * time, height * 0.1, width, height);
    disc(on, ((0.2 + 0.25 * time) % 1.2) * width, height * 0.6, height * 0.07, height * 0.07, [230, 230, 60]);
    return on;
  };
}

function cutShots(name: string, least: number, most: number): Make {
  return (screen, seconds, seed) => {
    const times = beginnings(seconds, least, most, generator(seed));
    const shot = shots(screen, times.length, seed);
    const draw = (time: number): Canvas => {
      const index = indexAt(times, time);
      return shot(index, time - (times[index] ?? 0));
    };
    return { name, seconds, cuts: times.slice(1), dissolves: [], news: [], draw };
  };
}

function fastCuts(screen: Screen, seconds: number, seed: number): DrawnClip {
  return cutShots('fast cuts', 0.72, 2.4)(screen, seconds, seed);
}

function joined(name: string, through: 'each other' | 'black'): Make {
  return (screen, seconds, seed) => {
    const random = generator(seed);
    const times = beginnings(seconds, 4, 6, random);
    const lengths = times.map(() => (through === 'black' ? 0.8 : 0.5) + Math.round(random() * 30) / RATE);
    const shot = shots(screen, times.length, seed);
    const black = canvas(screen.width, screen.height, [0, 0, 0]);
    const draw = (time: number): Canvas => {
      const index = indexAt(times, time);
      const since = time - (times[index] ?? 0);
      const share = since / (lengths[index] ?? 1);
      const now = shot(index, since);
      if (index === 0 || share >= 1) return now;
      const before = shot(index - 1, time - (times[index - 1] ?? 0));
      if (through === 'each other') return mix(before, now, share);
      return share < 0.5 ? mix(before, black, share * 2) : mix(black, now, share * 2 - 1);
    };
    const spans = times.map((time, index) => [time, time + (lengths[index] ?? 0)] as const).slice(1);
    return { name, seconds, cuts: [], dissolves: spans, news: [], draw };
  };
}

function dissolves(screen: Screen, seconds: number, seed: number): DrawnClip {
  return joined('dissolves', 'each other')(screen, seconds, seed);
}

function fades(screen: Screen, seconds: number, seed: number): DrawnClip {
  return joined('fades through black', 'black')(screen, seconds, seed);
}

/** Eight letters a second in lines of 40, with a rest of three seconds after each line. */
function typing(screen: Screen, seconds: number, seed: number): DrawnClip {
  const { width, height } = screen;
  const dot = height / 260;
  const line = 40 / 8 + 3;
  const on = canvas(width, height, [24, 26, 30]);
  box(on, 0, 0, width, height * 0.07, [60, 60, 70]);
  let typed = 0;
  const draw = (time: number): Canvas => {
    const wanted = Math.floor(time / line) * 40 + Math.min(40, Math.floor((time % line) * 8));
    for (; typed < wanted; typed++) {
      const [column, row] = [typed % 40, Math.floor(typed / 40)];
      letter(
        on,
        width * 0.04 + column * 6 * dot,
        height * (0.12 + 0.06 * row),
        dot,
        seed + typed,
        [210, 215, 220],
      );
    }
    return on;
  };
  const news = Array.from({ length: Math.floor((seconds - 1) / line + 3 / line) }, (_, k) => k * line + 5);
  return {
    name: 'typing',
    seconds,
    cuts: [],
    dissolves: [],
    news: news.filter((t) => t < seconds - 1),
    draw,
  };
}

/** A long page that rests for two seconds and scrolls for two, in turn. */
function scrolling(screen: Screen, seconds: number, seed: number): DrawnClip {
  const { width, height } = screen;
  const long = canvas(width, height * 12, [252, 252, 252]);
  for (let row = 0; row * 22 < long.height; row++) {
    words(long, width * 0.06, row * 22 * (height / 360), height / 240, 60 + (row % 7), seed * 50 + row);
  }
  const draw = (time: number): Canvas => {
    const scrolled = Math.floor(time / 4) * 2 + Math.max(0, (time % 4) - 2);
    return crop(long, 0, scrolled * height * 0.3, width, height);
  };
  return { name: 'scrolling', seconds, cuts: [], dissolves: [], news: [], draw };
}

function smallObject(screen: Screen, seconds: number, seed: number): DrawnClip {
  const { width, height } = screen;
  const yard = place(width, height, seed + 70);
  const draw = (time: number): Canvas => {
    const on = copyOf(yard);
    const size = height * 0.03;
    disc(
      on,
      width * (0.5 + 0.4 * Math.sin(time * 0.5)),
      height * (0.5 + 0.3 * Math.cos(time * 0.7)),
      size,
      size,
      [240, 40, 40],
    );
    return on;
  };
  return { name: 'small moving object', seconds, cuts: [], dissolves: [], news: [0], draw };
}

function noisy(screen: Screen, seconds: number, seed: number): DrawnClip {
  const times = beginnings(seconds, 3, 7, generator(seed));
  const places = times.map((_, index) => place(screen.width, screen.height, seed * 200 + index));
  const random = generator(seed + 1);
  const draw = (time: number): Canvas => {
    const on = copyOf(at(places, indexAt(times, time)));
    grain(on, 20, random);
    return on;
  };
  return { name: 'noisy camera', seconds, cuts: times.slice(1), dissolves: [], news: times, draw };
}

/** Pans of up to a third of the picture a second, with cuts in between. */
function movingCamera(screen: Screen, seconds: number, seed: number): DrawnClip {
  const { width, height } = screen;
  const times = beginnings(seconds, 3, 6, generator(seed));
  const wide = times.map((_, index) => place(width * 3, Math.round(height * 1.5), seed * 300 + index));
  const draw = (time: number): Canvas => {
    const index = indexAt(times, time);
    const since = time - (times[index] ?? 0);
    const speed = width * (0.1 + 0.23 * ((index % 4) / 3));
    const x = index % 2 ? width * 2 - speed * since : speed * since;
    return crop(at(wide, index), x, height * (0.25 + 0.2 * Math.sin(since)), width, height);
  };
  return { name: 'moving camera', seconds, cuts: times.slice(1), dissolves: [], news: [], draw };
}

/** A press conference: flashes of two frames. */
function flashes(screen: Screen, seconds: number, seed: number): DrawnClip {
  const { width, height } = screen;
  const hall = place(width, height, seed + 90);
  const lit = mix(hall, canvas(width, height), 0.8);
  const times = beginnings(seconds, 1.5, 4, generator(seed)).slice(1);
  const draw = (time: number): Canvas => {
    const last = times[indexAt(times, time)];
    const on = copyOf(last !== undefined && time - last < 1.5 / RATE ? lit : hall);
    head(on, time, width / 2, height * 0.5, height * 0.15);
    return on;
  };
  return { name: 'flashes', seconds, cuts: [], dissolves: [], news: [0], draw };
}

function lectureWithSpeaker(screen: Screen, seconds: number, seed: number): DrawnClip {
  const { width, height } = screen;
  const times = beginnings(seconds, 4, 9, generator(seed));
  const pages = times.map((_, index) => page(screen, seed * 400 + index, 4));
  const draw = (time: number): Canvas => {
    const on = copyOf(at(pages, indexAt(times, time)));
    box(on, width * 0.78, height * 0.7, width * 0.22, height * 0.3, [90, 110, 100]);
    head(on, time, width * 0.89, height * 0.82, height * 0.08);
    return on;
  };
  return { name: 'lecture with speaker', seconds, cuts: times.slice(1), dissolves: [], news: times, draw };
}

export function at(pictures: readonly Canvas[], index: number): Canvas {
  const picture = pictures[index];
  if (!picture) throw new RangeError(`there is no picture ${index}`);
  return picture;
}
