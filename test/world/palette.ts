import { integer, type Random } from './random.ts';
import type { Colour } from './spec.ts';

export type Rgb = readonly [red: number, green: number, blue: number];

export const PALETTE = {
  red: [215, 30, 35],
  orange: [245, 140, 20],
  yellow: [245, 225, 40],
  green: [30, 150, 60],
  blue: [35, 80, 215],
  purple: [130, 40, 160],
  black: [18, 18, 20],
  white: [245, 245, 245],
} as const satisfies Record<Colour, Rgb>;

/** A shade within `amount` of each channel of `colour`. */
export function shade(random: Random, colour: Rgb, amount = 14): Rgb {
  const [red, green, blue] = colour;
  const near = (value: number): number =>
    Math.max(0, Math.min(255, value + integer(random, -amount, amount)));
  return [near(red), near(green), near(blue)];
}

export function css([red, green, blue]: Rgb): string {
  return `rgb(${red}, ${green}, ${blue})`;
}
