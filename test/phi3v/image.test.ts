import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../onnx/index.ts';
import {
  countImageTokens,
  hdTransform,
  hdTransformSize,
  type RgbImage,
  toPixelValues,
} from '../../phi3v/index.ts';

/** The synthetic picture of the reference vectors. */
function pattern(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data[at++] = (3 * x + 5 * y) % 256;
      data[at++] = (7 * x + 2 * y + 64) % 256;
      data[at++] = (x * y) % 251;
    }
  }
  return { data, width, height };
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

// Heights×widths after padding and image tokens of the reference processor, for num_crops 1, 2, 3, 4, 6, 9, 12, 16.
const SIZES: readonly [shape: string, width: number, height: number, cells: readonly string[]][] = [
  [
    '16:9',
    1920,
    1080,
    [
      '336×336 313',
      '336×336 313',
      '336×336 313',
      '672×672 757',
      '672×1008 1045',
      '672×1008 1045',
      '1008×1344 1921',
      '1008×1680 2353',
    ],
  ],
  [
    '4:3',
    1024,
    768,
    [
      '336×336 313',
      '336×336 313',
      '336×336 313',
      '672×672 757',
      '672×672 757',
      '1008×1008 1489',
      '1008×1344 1921',
      '1008×1344 1921',
    ],
  ],
  [
    '3:2',
    900,
    600,
    [
      '336×336 313',
      '336×336 313',
      '336×336 313',
      '672×672 757',
      '672×1008 1045',
      '672×1008 1045',
      '1008×1344 1921',
      '1008×1344 1921',
    ],
  ],
  [
    '1:1',
    500,
    500,
    [
      '336×336 313',
      '336×336 313',
      '336×336 313',
      '672×672 757',
      '672×672 757',
      '1008×1008 1489',
      '1008×1008 1489',
      '1344×1344 2509',
    ],
  ],
  [
    '9:16',
    1080,
    1920,
    [
      '336×336 313',
      '336×336 313',
      '336×336 313',
      '672×672 757',
      '1008×672 1057',
      '1008×672 1057',
      '1344×1008 1933',
      '1680×1008 2377',
    ],
  ],
  [
    '3:4',
    768,
    1024,
    [
      '336×336 313',
      '336×336 313',
      '336×336 313',
      '672×672 757',
      '672×672 757',
      '1008×1008 1489',
      '1344×1008 1933',
      '1344×1008 1933',
    ],
  ],
  [
    '2:1',
    800,
    400,
    [
      '336×336 313',
      '336×672 457',
      '336×672 457',
      '336×672 457',
      '672×1008 1045',
      '672×1344 1333',
      '672×1344 1333',
      '1008×1680 2353',
    ],
  ],
  [
    '4:1',
    1600,
    400,
    [
      '336×336 313',
      '336×672 457',
      '336×1008 601',
      '336×1344 745',
      '336×1344 745',
      '336×1344 745',
      '672×2016 1909',
      '672×2688 2485',
    ],
  ],
  [
    '1:4',
    400,
    1600,
    [
      '336×336 313',
      '672×336 469',
      '1008×336 625',
      '1344×336 781',
      '1344×336 781',
      '1344×336 781',
      '2016×672 1957',
      '2688×672 2557',
    ],
  ],
];

describe('hdTransformSize', () => {
  it.each(SIZES)('gives the reference sizes and tokens of a %s image', (_, width, height, cells) => {
    const got = [1, 2, 3, 4, 6, 9, 12, 16].map((numCrops) => {
      const size = hdTransformSize(width, height, numCrops);
      return `${size.height}×${size.width} ${countImageTokens(size.height, size.width)}`;
    });
    expect(got).toEqual(cells);
  });

  // All cells of 5 and 8 crops, from the statement of the reference that they follow 4 or 6, but for 2:1 at 8.
  it.each(SIZES)(
    'gives a %s picture at 5 crops what it has at 4, and at 8 what it has at 6',
    (shape, width, height) => {
      const at = (numCrops: number): string => {
        const size = hdTransformSize(width, height, numCrops);
        return `${size.height}×${size.width} ${countImageTokens(size.height, size.width)}`;
      };
      expect(at(5)).toBe(at(4));
      expect(at(8)).toBe(shape === '2:1' ? '672×1344 1333' : at(6));
    },
  );

  it.each([
    [1, 313],
    [2, 469],
    [3, 625],
    [4, 781],
    [6, 1093],
    [8, 1405],
    [9, 1561],
    [12, 2029],
    [16, 2653],
  ])('gives no picture at %d crops more than %d tokens, and some picture as many', (numCrops, bound) => {
    let most = 0;
    for (let width = 100; width <= 2000; width += 20) {
      for (const height of [100, 150, 200, 360, 500, 720, 900, 1080, 1500, 2000]) {
        const size = hdTransformSize(width, height, numCrops);
        most = Math.max(most, countImageTokens(size.height, size.width));
      }
    }
    expect(most).toBe(bound);
  });

  it.each([
    [0, 100, 4],
    [100, 0, 4],
    [100, 100, 0],
    [100, 100, 1.5],
    [Number.NaN, 100, 4],
    [337, 1, 1],
    [1, 100_000, 16],
  ])('refuses a picture of %d×%d at %d crops', (width, height, numCrops) => {
    expect(() => hdTransformSize(width, height, numCrops)).toThrow(ModelError);
  });

  it('accepts the most elongated image that has one row', () => {
    expect(hdTransformSize(336, 1, 1)).toMatchObject({
      resizedWidth: 336,
      resizedHeight: 1,
      top: 167,
      bottom: 168,
    });
  });
});

// SHA-256 of the padded picture and samples of the global view at (c, y, x) = (0,0,0), (1,100,200), (2,335,335),
// (0,168,168), made with Pillow 13.0.0 and the bicubic Resize of ONNX Runtime 1.32.
const VECTORS: readonly [number, number, number, string, readonly number[]][] = [
  [
    640,
    360,
    1,
    '733a7077c7ae7812f7179089821b3b964e4fbb8c5ba4c470bb751fb500e4ee7f',
    [1.93034, -1.42193, 2.1459, -0.68278],
  ],
  [
    640,
    360,
    4,
    '3990a1025bf4ee340e75c8caec18108f297797e07920e6d2479bc4086b96aede',
    [1.93034, -1.45155, 2.1459, -0.73981],
  ],
  [
    640,
    360,
    16,
    'eee268427ce1b673931f79fb4bda4dddcd2464a43b6d220da44eb801e4ef4a5a',
    [1.93034, 0.09386, 2.1459, -0.77037],
  ],
  [
    360,
    640,
    1,
    '58aa1af9c976a852f9dc7398252a3b572e95223126e131e8d473035cf3c0b224',
    [1.93034, -0.34137, 2.1459, -0.36162],
  ],
  [
    360,
    640,
    4,
    '0b5308dd31def5257b48ae667bd85f8003b4c1d69d4fd989c2e94255d919ddb0',
    [1.93034, -0.43141, 2.1459, -0.38945],
  ],
  [
    360,
    640,
    16,
    'e6ad17e97f3360148815a69e5284f6ca2234435163612d03e4a4754dca5b0d16',
    [1.93034, 0.82924, 2.1459, -0.40541],
  ],
  [
    500,
    500,
    4,
    '7fa761bb9c6b70cf7073d803eff95c39a934de9095b41ba3a2255df8b6d4b342',
    [-1.76398, 0.39401, -1.32888, 1.27341],
  ],
  [
    500,
    500,
    16,
    '5e026fb2f0b296f274bcd2df74199ac814cd209e610903b0ca4d63930039a6b4',
    [-1.77447, 0.39401, -1.33713, 1.26611],
  ],
  [
    1920,
    1080,
    1,
    'dc4c38c9b0eb62232a9b5e81fc77895981f0e2d5ae71dc7e8ad499455c368463',
    [1.93034, 1.26446, 2.1459, 1.3318],
  ],
  [
    1920,
    1080,
    4,
    '2a731b9b97d4fbd50d1ba7bb0d11b64d5feb343ede4e0bb9a7d8b422f173c02b',
    [1.93034, 1.1968, 2.1459, 1.49201],
  ],
  [
    1920,
    1080,
    16,
    '7277d4bdb70a9790127040996b2e5a6f2c391940edeca444263eac3792f3bce2',
    [1.93034, 1.35451, 2.1459, 1.41939],
  ],
  [
    1024,
    768,
    4,
    '67a5eb7f479a3e6160088303dcbf4b70698cc5bce7f26bf68daeef7c1043f2f7',
    [1.93034, -0.46893, 2.1459, 0.19312],
  ],
  [
    1024,
    768,
    16,
    '4242f9a097a031770db6ccf1f2d108d667cf5bbcd7c9d152d31d51c7867eeb11',
    [-1.70604, 1.06936, 0.85498, 0.16256],
  ],
  [
    50,
    800,
    1,
    '8e2ca6864373caa9a81d5f8913949c582eec9a5ac275d26b840bb9c13d1a7e72',
    [1.93034, 2.07488, 2.1459, -1.26672],
  ],
  [
    50,
    800,
    4,
    '0bd366703f3aec3b363e78aa85e5b929cff4388e02c52a97dcc21200b585aba7',
    [1.93034, -0.54397, 2.1459, -1.36161],
  ],
  [
    50,
    800,
    16,
    'b66aea996c57b1c5136228fe9fcca4014da2bc85b59725352da63e6a85460f61',
    [-1.74117, 1.76722, 1.54288, -1.36161],
  ],
];

const PLANE = 336 * 336;

describe('hdTransform', () => {
  it('starts from the image of the vectors', () => {
    expect(sha256(pattern(640, 360).data)).toBe(
      '9521d75adcba766abe7254d2273e4d5594a7ce76032aeaa5b2750419338b0672',
    );
  });

  it.each(VECTORS)(
    'equals the reference for %d×%d at %d crops, global view included',
    (width, height, numCrops, hash, samples) => {
      const padded = hdTransform(pattern(width, height), numCrops);
      expect(sha256(padded.data)).toBe(hash);
      const values = toPixelValues(padded);
      const got = [
        values[0],
        values[PLANE + 100 * 336 + 200],
        values[2 * PLANE + 335 * 336 + 335],
        values[168 * 336 + 168],
      ];
      got.forEach((value, i) => {
        expect(Math.abs((value ?? Number.NaN) - (samples[i] ?? 0))).toBeLessThan(1e-4);
      });
    },
  );

  it('rejects a number of pixels that differs from the size', () => {
    expect(() => hdTransform({ data: new Uint8Array(10), width: 2, height: 2 }, 1)).toThrow(ModelError);
  });
});

describe('pixelValues', () => {
  it('contains each block of the padded image as a crop, row by row, and zeros after the last', () => {
    const padded = hdTransform(pattern(500, 300), 6);
    expect([padded.height, padded.width]).toEqual([672, 1008]);
    const values = toPixelValues(padded, 8);
    expect(values.length).toBe(9 * 3 * PLANE);
    const mean = [0.48145466, 0.4578275, 0.40821073];
    const std = [0.26862954, 0.26130258, 0.27577711];
    let worst = 0;
    for (let at = 3 * PLANE; at < 7 * 3 * PLANE; at++) {
      const crop = Math.floor(at / (3 * PLANE)) - 1;
      const c = Math.floor(at / PLANE) % 3;
      const y = Math.floor(crop / 3) * 336 + (Math.floor(at / 336) % 336);
      const x = (crop % 3) * 336 + (at % 336);
      const byte = padded.data[(y * 1008 + x) * 3 + c] ?? Number.NaN;
      const difference = Math.abs((byte / 255 - (mean[c] ?? 0)) / (std[c] ?? 1) - (values[at] ?? Number.NaN));
      if (!(difference <= worst)) worst = difference;
    }
    expect(worst).toBeLessThan(1e-6);
    expect(values.subarray(7 * 3 * PLANE).every((value) => value === 0)).toBe(true);
  });

  it('makes the global view of a single crop the crop itself', () => {
    const values = toPixelValues(hdTransform(pattern(640, 360), 1));
    const [whole, crop] = [values.subarray(0, 3 * PLANE), values.subarray(3 * PLANE)];
    expect(crop.every((value, i) => value === whole[i])).toBe(true);
  });

  it('rejects more crops than the limit', () => {
    expect(() => toPixelValues(hdTransform(pattern(500, 500), 4), 3)).toThrow(ModelError);
  });
});
