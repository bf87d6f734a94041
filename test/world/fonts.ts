import { fileURLToPath } from 'node:url';
import { GlobalFonts } from '@napi-rs/canvas';

const FILES = {
  'World Sans': 'DejaVuSans.ttf',
  'World Sans Bold': 'DejaVuSans-Bold.ttf',
  'World Serif Bold': 'DejaVuSerif-Bold.ttf',
} as const;

export type WorldFont = keyof typeof FILES;

/**
 * Makes the bundled DejaVu fonts known to the canvas, under names of our own: a machine may have none, or
 * others. They are the only typefaces the bundled model can read. Registering twice does nothing.
 */
export function worldFonts(): WorldFont[] {
  for (const [name, file] of Object.entries(FILES)) {
    if (!GlobalFonts.has(name)) {
      GlobalFonts.registerFromPath(fileURLToPath(new URL(`fonts/${file}`, import.meta.url)), name);
    }
  }
  return ['World Sans', 'World Sans Bold', 'World Serif Bold'];
}
