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
  const { rate = RATE, stored } = clip;
  const isStored = (time: number): boolean =>
    !stored || stored.some(([from, until]) => time >= from - 1e-6 && time < until - 1e-6);
  const spans = stored?.map(([from, until]) => `between(t,${from - 1e-3},${until - 1e-3})`);
  const select = spans ? ['-vf', `select='${spans.join('+')}'`, '-fps_mode', 'passthrough'] : [];
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-s',
    `${width}x${height}`,
    '-r',
    `${rate}`,
    '-i',
    'pipe:0',
  ];
  const child = spawn(
    'ffmpeg',
    ['-y', '-hide_banner', '-loglevel', 'error', ...input, ...select, ...args, `file:${path}`],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  );
  const closed = once(child, 'close');
  let data = Buffer.alloc(width * height * 3);
  for (let index = 0; index < clip.seconds * rate - 1e-6; index++) {
    // A clip may draw on one canvas.
    if (isStored(index / rate)) data = Buffer.from(clip.draw(index / rate).data);
    if (!child.stdin.write(data)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  const [code] = await closed;
  if (code !== 0) throw new Error(`ffmpeg failed with ${code}`);
}
