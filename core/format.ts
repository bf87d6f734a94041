/** Numbers as people read them. Pure; no DOM. */

/** `m:ss`, from an hour on `h:mm:ss`; with `digits`, fractions of the second. Cut, not rounded: 59.9 s is 0:59. */
export function formatTime(seconds: number, digits = 0): string {
  // The small addend keeps 2.9999999996, the float for 3 s, from being cut to 2.
  const scaled = Math.floor(Math.max(0, seconds) * 10 ** digits + 1e-6);
  const whole = Math.floor(scaled / 10 ** digits);
  const fraction = digits > 0 ? `.${String(scaled % 10 ** digits).padStart(digits, '0')}` : '';
  const h = Math.floor(whole / 3600);
  const m = Math.floor(whole / 60) % 60;
  const ss = String(whole % 60).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${ss}${fraction}` : `${m}:${ss}${fraction}`;
}

/** `0:00–1:01`. */
export function formatRange(start: number, end: number): string {
  return `${formatTime(start)}–${formatTime(end)}`;
}

/** A span of waiting: `12 s`, `3 min 20 s`, `1 h 5 min`. */
export function formatWait(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joinUnits(Math.floor(whole / 60), 'min', whole % 60, 's');
  return joinUnits(Math.floor(whole / 3600), 'h', Math.floor(whole / 60) % 60, 'min');
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `812 B`, `3.4 MB`: decimal units, as file managers show them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'] as const;
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1 frame`, `61 frames`. */
export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Slide numbers with runs folded: `1–3, 7`. */
export function formatSlides(slides: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const slide of [...slides].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && slide <= run.last + 1) run.last = slide;
    else runs.push({ first: slide, last: slide });
  }
  return runs.map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`)).join(', ');
}

/** How long ago, for a list: `just now`, `5 min ago`, `3 h ago`, then the date. Times are in milliseconds. */
export function formatAge(then: number, now: number): string {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(then).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** Where a part of a source lies: times for videos, numbers of `noun`s for others. Empty when neither is known. */
export function formatPlace(
  place: {
    readonly start_time?: number | undefined;
    readonly end_time?: number | undefined;
    readonly slides?: readonly number[] | undefined;
  },
  noun: string,
): string {
  if (place.start_time !== undefined && place.end_time !== undefined) {
    return formatRange(place.start_time, place.end_time);
  }
  if (place.slides && place.slides.length > 0) {
    return `${noun}${place.slides.length === 1 ? '' : 's'} ${formatSlides(place.slides)}`;
  }
  return '';
}
