/** Colours and brightness come out as a viewer sees them, whatever the file stores and calls them. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  findMediaTools,
  type MediaTools,
  probeVideo,
  type RgbImage,
  sampleVideo,
} from '../../media/index.ts';
import { ffmpeg, LIMITS, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
let tools: MediaTools;

beforeAll(async () => {
  tools = await findMediaTools({});
});

type Rgb = readonly [red: number, green: number, blue: number];

/** Shares of full scale, one for each bar of a picture. */
const BARS: readonly Rgb[] = [
  [0, 0, 0],
  [0.1, 0.1, 0.1],
  [0.5, 0.5, 0.5],
  [1, 1, 1],
  [0.8, 0.1, 0.1],
  [0.1, 0.8, 0.1],
  [0.1, 0.1, 0.8],
  [0.8, 0.8, 0.1],
];

/** Pictures of both kinds: made by ffmpeg alone, and handed over as videos store colours. */
const SAMPLERS = {
  fps: { origin: 0, interval: 1 },
  adaptive: { mode: 'adaptive', windows: { origin: 0, end: 1, seconds: 1 } },
} as const;

interface Stored {
  readonly size?: readonly [number, number];
  readonly filter: string;
  readonly tags: string;
}

/**
 * Writes a video of the bars, stored as `filter` and `tags` say, and reads the bars of its first picture
 * back.
 */
async function readBack(
  name: string,
  bars: readonly Rgb[],
  stored: Stored,
  sampler: keyof typeof SAMPLERS = 'fps',
): Promise<readonly Rgb[]> {
  const [width, height] = stored.size ?? [320, 180];
  const path = join(folder, name);
  const input = `-f rawvideo -pix_fmt rgb48le -s ${width}x${height} -r 5 -i pipe:0`.split(' ');
  const output = ['-vf', stored.filter, '-c:v', 'ffv1', ...stored.tags.split(' ').filter(Boolean)];
  await ffmpeg([...input, ...output, `file:${path}`], async (write) => {
    const picture = drawBars(bars, width, height);
    for (let frame = 0; frame < 3; frame++) await write(picture);
  });
  const video = await probeVideo(tools, path, LIMITS);
  const span = { start: 0, end: 1, first: 'keep' } as const;
  for await (const { image } of sampleVideo(tools, {
    path,
    video,
    span,
    sampler: SAMPLERS[sampler],
    ...LIMITS,
  })) {
    if (image) return bars.map((_, index) => colourOf(image, index, bars.length));
  }
  throw new Error('no picture');
}

function drawBars(bars: readonly Rgb[], width: number, height: number): Buffer {
  const data = Buffer.alloc(width * height * 6);
  for (let at = 0; at < width * height; at++) {
    const bar = bars[Math.floor(((at % width) * bars.length) / width)] ?? [0, 0, 0];
    for (const [channel, share] of bar.entries()) {
      data.writeUInt16LE(Math.round(share * 65_535), at * 6 + channel * 2);
    }
  }
  return data;
}

function colourOf({ data, width, height }: RgbImage, index: number, bars: number): Rgb {
  const at = (Math.floor(height / 2) * width + Math.floor(((index + 0.5) * width) / bars)) * 3;
  return [data[at] ?? -1, data[at + 1] ?? -1, data[at + 2] ?? -1];
}

function expectNear(seen: readonly Rgb[], expected: readonly Rgb[], tolerance: number): void {
  const flat = expected.flat();
  for (const [index, level] of seen.flat().entries()) {
    const distance = Math.abs(level - (flat[index] ?? -1000));
    expect(distance, `bars ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`).toBeLessThanOrEqual(
      tolerance,
    );
  }
}

describe.each(['fps', 'adaptive'] as const)('ordinary colours come back by %s as they were', (sampler) => {
  /**
   * In levels: what rounding costs, which is more where full range passes through the 219 levels of the
   * limited one.
   */
  const tolerance = sampler === 'fps' ? 3 : 4;

  it.each([
    [
      'limited range, BT.709',
      'scale=out_color_matrix=bt709:out_range=tv,format=yuv444p',
      '-colorspace bt709 -color_range tv',
    ],
    [
      'full range, BT.709',
      'scale=out_color_matrix=bt709:out_range=pc,format=yuv444p',
      '-colorspace bt709 -color_range pc',
    ],
    [
      'limited range, BT.601',
      'scale=out_color_matrix=bt601:out_range=tv,format=yuv444p',
      '-colorspace smpte170m -color_range tv',
    ],
    [
      'limited range, 10 bit',
      'scale=out_color_matrix=bt709:out_range=tv,format=yuv444p10le',
      '-colorspace bt709 -color_range tv',
    ],
    ['small and not said, as BT.601', 'scale=out_color_matrix=bt601:out_range=tv,format=yuv444p', ''],
    ['RGB', 'format=bgr0', ''],
    ['of odd sizes', 'scale=321:181:flags=neighbor:out_color_matrix=bt601:out_range=tv,format=yuv444p', ''],
  ])('%s', async (name, filter, tags) => {
    const seen = await readBack(`${name} ${sampler}.mkv`, BARS, { filter, tags }, sampler);
    expectNear(
      seen,
      BARS.map(([red, green, blue]) => [red * 255, green * 255, blue * 255]),
      tolerance,
    );
  });

  it('high definition without a colour matrix, as BT.709', async () => {
    const filter = 'scale=out_color_matrix=bt709:out_range=tv,format=yuv444p';
    const seen = await readBack(`hd ${sampler}.mkv`, BARS, { size: [1280, 720], filter, tags: '' }, sampler);
    expectNear(
      seen,
      BARS.map(([red, green, blue]) => [red * 255, green * 255, blue * 255]),
      tolerance,
    );
  });
});

describe('high dynamic range is converted to the range of a screen', () => {
  const filter = 'scale=out_color_matrix=bt2020:out_range=tv,format=yuv444p12le';
  const tags = '-color_primaries bt2020 -colorspace bt2020nc -color_range tv -color_trc';
  const grey = (level: number): Rgb => [level, level, level];

  it('PQ: keeps values below 92 cd/m², shows 203 as nearly white and 1000 or more as white', async () => {
    // SMPTE ST 2084 code values (ITU-R BT.2408, table 1 and its formula): 1, 10, 50, 203, 1000, 4000 cd/m².
    const bars = [0.1499, 0.3021, 0.4404, 0.5807, 0.7518, 0.9026].map(grey);
    const seen = await readBack('pq.mkv', bars, { filter, tags: `${tags} smpte2084` });
    // sRGB of 1/203, 10/203 and 50/203.
    expectNear(seen.slice(0, 3), [16, 63, 136].map(grey), 2);
    expect(seen[3]?.[1]).toBeGreaterThan(220);
    expect(seen[3]?.[1]).toBeLessThan(240);
    expectNear(seen.slice(4), [255, 255].map(grey), 1);
  });

  it('HLG: looks like PQ for the same light', async () => {
    // ITU-R BT.2408: 38 % of HLG is 26 cd/m², 75 % is 203, 100 % is 1000.
    const hlg = await readBack('hlg.mkv', [0.38, 0.75, 1].map(grey), {
      filter,
      tags: `${tags} arib-std-b67`,
    });
    const pq = await readBack('same.mkv', [0.3824, 0.5807, 0.7518].map(grey), {
      filter,
      tags: `${tags} smpte2084`,
    });
    expectNear(hlg, pq, 3);
  });

  it('keeps colours inside sRGB', async () => {
    // 50 cd/m² of the red, green and blue of BT.709, in the primaries of BT.2020 (BT.2087) and in PQ.
    const pq = (light: number): number => {
      const power = (light / 10_000) ** 0.1593017578125;
      return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375;
    };
    const primaries: readonly Rgb[] = [
      [0.6274, 0.0691, 0.0164],
      [0.3293, 0.9195, 0.088],
      [0.0433, 0.0114, 0.8956],
    ];
    const bars = primaries.map(([red, green, blue]): Rgb => [pq(50 * red), pq(50 * green), pq(50 * blue)]);
    const seen = await readBack('primaries.mkv', bars, { filter, tags: `${tags} smpte2084` });
    expectNear(
      seen,
      [
        [136, 0, 0],
        [0, 136, 0],
        [0, 0, 136],
      ],
      8,
    );
  });
});
