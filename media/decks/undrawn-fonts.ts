/** Tells whether characters without a glyph are missing in the image of a page. */
import type { Size } from '../images/index.ts';
import type { GlyphlessChar } from './pdf-text.ts';

/** Share of a character's box that is left out at each side, where its neighbours may reach in. */
const MARGIN = 0.2;

/**
 * Returns the names of fonts of which at least one character is an empty place in the image: all its pixels
 * have one colour. The list of glyphs alone is not enough: some fonts map characters in their own way.
 */
export function undrawnFonts(rgb: Uint8Array, size: Size, chars: readonly GlyphlessChar[]): string[] {
  const fonts = new Set<string>();
  for (const { font, box } of chars) {
    if (!fonts.has(font) && isEmpty(rgb, size, box)) fonts.add(font);
  }
  return [...fonts];
}

function isEmpty(rgb: Uint8Array, { width, height }: Size, box: GlyphlessChar['box']): boolean {
  const [dx, dy] = [(box.right - box.left) * MARGIN, (box.bottom - box.top) * MARGIN];
  const [left, right] = [Math.max(0, Math.ceil(box.left + dx)), Math.min(width, Math.floor(box.right - dx))];
  const [top, bottom] = [Math.max(0, Math.ceil(box.top + dy)), Math.min(height, Math.floor(box.bottom - dy))];
  if (right - left < 2 || bottom - top < 2) return false; // outside the page, or too small to be read
  const first = (top * width + left) * 3;
  for (let y = top; y < bottom; y++) {
    for (let at = (y * width + left) * 3; at < (y * width + right) * 3; at++) {
      if (rgb[at] !== rgb[first + ((at - (y * width + left) * 3) % 3)]) return false;
    }
  }
  return true;
}
