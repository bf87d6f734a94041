/** Encodes drawn clips as recorders do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type DrawnClip, RATE, type Screen } from './drawn-clips.ts';

const H264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '24', '-pix_fmt', 'yuv420p'] as const;

/** Writes the clip to `path`, with the ffmpeg on PATH; `args` go between input and output. */
export async function encodeDrawn(
  clip: DrawnClip,
  { width, height }: Screen,
  path: string,
  args: readonly string[] = H264,
): Promise<void> {
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-s',
    `${width}x${height}`,
    '-r',
    `${RATE}`,
    '-i',
    'pipe:0',
  ];
  const child = spawn(
    'ffmpeg',
    ['-y', '-hide_banner', '-loglevel', 'error', ...input, ...args, `file:${path}`],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  );
  const closed = once(child, 'close');
  for (let index = 0; index < clip.seconds * RATE; index++) {
    const { data } = clip.draw(index / RATE);
    // A clip may draw on one canvas.
    if (!child.stdin.write(Buffer.from(data))) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = await closed;
  if (code !== 0) throw new Error(`ffmpeg failed with ${code}`);
}
