/**
 * ffmpeg's arguments that several files of the corpus share, and changes of files that ffmpeg cannot make.
 */
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';

export const H264 = split('-c:v libx264 -preset veryfast -g 30 -bf 2 -pix_fmt yuv420p -threads 1');
export const HEVC = split('-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30:pools=1');
/** Sound, as a further input. */
export const SINE = split('-f lavfi -i sine=duration=3');

export function split(text: string): readonly string[] {
  return text.split(' ');
}

/** How a frame has to be turned clockwise, and then mirrored, to be shown upright. */
export interface Orientation {
  readonly turn: 0 | 90 | 180 | 270;
  readonly mirrored: boolean;
}

/** Filters that bring an upright frame into the position from which `orientation` brings it back. */
export function lying({ turn, mirrored }: Orientation): string {
  const back = { 0: 'null', 90: 'transpose=cclock', 180: 'hflip,vflip', 270: 'transpose=clock' } as const;
  return `${mirrored ? 'hflip,' : ''}${back[turn]}`;
}

/** Writes the display matrix of the first track of an mp4 (ISO 14496-12, track header version 0). */
export async function setOrientation(path: string, { turn, mirrored }: Orientation): Promise<void> {
  const [cosine, sine] = ({ 0: [1, 0], 90: [0, 1], 180: [-1, 0], 270: [0, -1] } as const)[turn];
  const side = mirrored ? -1 : 1;
  const entries = [side * cosine, sine, 0, side * -sine, cosine, 0].map((entry) => entry * 65_536);
  const data = await readFile(path);
  const matrix = data.indexOf('tkhd') + 4 + 40;
  for (const [index, entry] of entries.entries()) data.writeInt32BE(entry, matrix + index * 4);
  await writeFile(path, data);
}

/** Cuts the end off. */
export async function keepShare(path: string, share: number): Promise<void> {
  await truncate(path, Math.floor((await stat(path)).size * share));
}

/** Puts other bytes where `marker` stands for the first time, `offset` bytes behind its beginning. */
export async function patch(path: string, marker: string, offset: number, bytes: Uint8Array): Promise<void> {
  const at = (await readFile(path)).indexOf(marker, 0, 'latin1');
  if (at < 0) throw new Error(`${marker} does not occur`);
  const file = await open(path, 'r+');
  try {
    await file.write(bytes, 0, bytes.length, at + offset);
  } finally {
    await file.close();
  }
}
