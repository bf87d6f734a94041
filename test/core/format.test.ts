import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatPlace,
  formatSlides,
  formatTime,
  formatWait,
} from '../../core/format.ts';

describe('formatTime', () => {
  it.each([
    [0, '0:00'],
    [59.99, '0:59'],
    [60, '1:00'],
    [2.9999999996, '0:03'],
    [3599, '59:59'],
    [3600, '1:00:00'],
    [36_061.5, '10:01:01'],
    [-1, '0:00'],
  ])('writes %d seconds as %s, cut to whole seconds', (seconds, text) => {
    expect(formatTime(seconds)).toBe(text);
  });

  it.each([
    [0.5, '0:00.5'],
    [61.25, '1:01.2'],
    [0.3, '0:00.3'],
    [59.999, '0:59.9'],
  ])('writes %d seconds with a digit as %s', (seconds, text) => {
    expect(formatTime(seconds, 1)).toBe(text);
  });
});

describe('other formats', () => {
  it('format waiting times in two units', () => {
    expect([0, 59.4, 60, 81, 3600, 3900].map(formatWait)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '1 min 21 s',
      '1 h',
      '1 h 5 min',
    ]);
  });

  it('format sizes in decimal units', () => {
    expect([0, 999, 1000, 3_400_000, 123_456_789, 20 * 2 ** 30].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '3.4 MB',
      '123 MB',
      '21.5 GB',
    ]);
  });

  it('combine consecutive slides', () => {
    expect(formatSlides([3, 1, 2, 7])).toBe('1–3, 7');
    expect(formatSlides([])).toBe('');
  });

  it('label a segment by times or by slides', () => {
    expect(formatPlace({ start_time: 0, end_time: 61.2 }, 'Slide')).toBe('0:00–1:01');
    expect(formatPlace({ slides: [4] }, 'Slide')).toBe('Slide 4');
    expect(formatPlace({ slides: [4, 5] }, 'Picture')).toBe('Pictures 4–5');
    expect(formatPlace({}, 'Slide')).toBe('');
  });

  it('format the age of an event', () => {
    const now = Date.parse('2026-03-02T12:00:00Z');
    expect([30, 300, 3 * 3600].map((seconds) => formatAge(now - seconds * 1000, now))).toEqual([
      'just now',
      '5 min ago',
      '3 h ago',
    ]);
  });
});
