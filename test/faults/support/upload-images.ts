/** Small images for fault tests that need many short jobs. */
import sharp from 'sharp';
import type { Deployment } from './deployment.ts';

/** Uploads `count` images of one colour each and returns the ids of their files. */
export function uploadImages({ client }: Deployment, count: number): Promise<readonly string[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const background = { r: (index * 53) % 256, g: (index * 97) % 256, b: (index * 151) % 256 };
      const png = await sharp({ create: { width: 64, height: 64, channels: 3, background } })
        .png()
        .toBuffer();
      return (await client.uploadFile(new Blob([new Uint8Array(png)]), `${index}.png`)).id;
    }),
  );
}
