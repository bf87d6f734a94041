/** What a model host takes over many answers. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodePaddedImage, hdTransform, startModelHost } from '../../phi3v/index.ts';
import { COLOURS, DESCRIBE, drawCircle, TINY } from './support.ts';

const WARM_UP = 50;
const ANSWERS = 500;
const TOGETHER = 5;
/** Growth that is no leak, per answer. */
const KILOBYTES_SLACK = 64;

it('500 generations do not increase the memory of the model host after the first 50', async ({ skip }) => {
  if (!existsSync('/proc/self/status')) return skip('only Linux tells the memory of another process');
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-memory-'));
  try {
    await using host = await startModelHost({ folder: TINY });
    const rss = async (): Promise<number> => {
      const status = await readFile(`/proc/${host.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    };
    const answer = async (i: number): Promise<void> => {
      // A new picture each time: every graph runs, and features come and go.
      const path = join(folder, `${i % 10}.bin`);
      const image = hdTransform(drawCircle(COLOURS.red, COLOURS.blue, i % 3 === 0 ? 0 : 2), 1);
      await writeFile(path, encodePaddedImage(image));
      await host.generate({
        prompt: [{ text: '1:\n' }, { image: 0 }, { text: DESCRIBE }],
        images: [{ key: `${i}`, path }],
        maxTokens: 8 + (i % 8),
        sampling: { temperature: 1, seed: i },
      });
    };
    const answers = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i += TOGETHER) {
        await Promise.all(Array.from({ length: TOGETHER }, (_, k) => answer(i + k)));
      }
    };
    await answers(0, WARM_UP);
    const before = await rss();
    await answers(WARM_UP, ANSWERS);
    const after = await rss();
    console.info(
      `model host: ${before >> 10} MiB after ${WARM_UP} answers, ${after >> 10} MiB after ${ANSWERS}`,
    );
    // 313 tokens of 128 floats a picture: what the cache of features may rightly keep of the last 450.
    const kept = ((ANSWERS - WARM_UP) * 313 * 128 * 4) / 1024;
    // Allocators keep some of what they got back. The smallest thing an answer could leak, its KV cache of 2 MB, is thirty times this.
    const slack = (ANSWERS - WARM_UP) * KILOBYTES_SLACK;
    expect(after - before - kept).toBeLessThanOrEqual(slack);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 240_000);
