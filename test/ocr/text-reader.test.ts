/** Text of drawn slides, read with the real PP-OCR models after a real encoder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTextReader, type OcrImage, type TextReader } from '../../ocr/index.ts';
import { ffmpeg, temporaryFolder } from '../media/clips.ts';
import { type PulledModel, pulledModel } from '../support/pulled-models.ts';
import { type DrawnLine, drawText } from './draw-text.ts';

const SLIDES: readonly { readonly paper: string; readonly ink: string; readonly lines: readonly string[] }[] =
  [
    {
      paper: '#ffffff',
      ink: '#111111',
      lines: [
        'Quarterly results 2026',
        'Revenue grew 14.2% to $3.81 million',
        'Churn fell from 5.1% to 3.9%',
        'New customers: 1,204 in EMEA, 877 in APAC',
        'Next review on 17 March 2027',
      ],
    },
    {
      paper: '#102040',
      ink: '#f0f0f0',
      lines: [
        'How to start the server',
        'npm install && npm start',
        'export FRAMELOOM_HOME=/var/lib/frameloom',
        'curl http://localhost:8080/healthz',
        'Error E4031: port already in use',
      ],
    },
    {
      paper: '#f6f1e4',
      ink: '#333333',
      lines: [
        'Team and responsibilities',
        'Anna Kowalska leads the platform group',
        'Dr. Jürgen Möller: data quality',
        'François Lefèvre: customer success',
        'Contact: help@example.com',
      ],
    },
  ];

const folder = temporaryFolder();
let model: PulledModel;
let reader: TextReader;

beforeAll(async () => {
  model = await pulledModel('ppocr-v6-tiny');
  if ('folder' in model) reader = createTextReader(model);
}, 120_000);
beforeEach(({ skip }) => skip('reason' in model, 'reason' in model ? model.reason : ''));
afterAll(async () => {
  if ('folder' in model) await reader[Symbol.asyncDispose]();
});

describe('createTextReader', () => {
  it.each([
    ['1080p at crf 23', 1920, 1080, 23, 0.98],
    ['720p at crf 28', 1280, 720, 28, 0.95],
  ])('reads drawn slides in %s', async (name, width, height, crf, share) => {
    let [right, all] = [0, 0];
    for (const [index, slide] of SLIDES.entries()) {
      const drawn = {
        width,
        height,
        paper: slide.paper,
        ink: slide.ink,
        lines: slideLines(slide.lines, height),
      };
      const image = await encoded(drawText(drawn), crf, `${name} ${index}`);
      const read = tokens((await reader.readText(image)).map(({ text }) => text));
      for (const token of tokens(slide.lines)) {
        all++;
        const at = read.indexOf(token);
        if (at < 0) continue;
        read.splice(at, 1);
        right++;
      }
    }
    expect(right / all).toBeGreaterThanOrEqual(share);
  });

  it('returns each line with its place, its height and its confidence', async () => {
    const lines = [line('Alpha beta gamma', 100, 300, 80), line('small print', 700, 600, 30)];
    const [first, second, ...more] = await reader.readText(page(lines));
    expect(more).toEqual([]);
    expect(first).toMatchObject({ text: 'Alpha beta gamma' });
    expect(second).toMatchObject({ text: 'small print' });
    const [left = 0, top = 0, , height = 0] = first?.box ?? [];
    // The base line is at 300 of 720 pixels; letters rise 0.76 of the size above it and fall 0.24 below.
    expect(left).toBeCloseTo(100 / 1280, 1);
    expect(top * 720).toBeGreaterThan(200);
    expect(top * 720).toBeLessThan(245);
    expect((top + height) * 720).toBeGreaterThan(310);
    expect((top + height) * 720).toBeLessThan(345);
    expect(first?.height).toBeGreaterThan(2 * (second?.height ?? 1));
    expect(first?.confidence).toBeGreaterThan(0.9);
  });

  it.each([
    ['tilted clockwise', 0.2],
    ['tilted counterclockwise', -0.3],
    ['from bottom to top', -Math.PI / 2],
  ])('reads a line that is %s', async (_, angle) => {
    const [x, y] = angle < -1 ? [640, 650] : [200, 400];
    const found = await reader.readText(page([{ ...line('Rotated heading 42', x, y, 56), angle }]));
    expect(found.map(({ text }) => text)).toEqual(['Rotated heading 42']);
  });

  it('reads columns one after the other, below the title that spans them', async () => {
    const found = await reader.readText(
      page([
        line('One title above both columns of the page', 80, 120, 56),
        line('left first', 80, 300, 40),
        line('left second', 80, 380, 40),
        line('right first', 760, 300, 40),
        line('right second', 760, 380, 40),
        line('A footer that spans the whole page again', 80, 640, 48),
      ]),
    );
    expect(found.map(({ text }) => text)).toEqual([
      'One title above both columns of the page',
      'left first',
      'left second',
      'right first',
      'right second',
      'A footer that spans the whole page again',
    ]);
  });

  it('reads a table by its rows', async () => {
    const cells = ['Region', 'Sales', 'Margin', 'North', '118', '22%', 'South', '96', '19%'];
    const found = await reader.readText(
      page(
        cells.map((cell, index) =>
          line(cell, 120 + (index % 3) * 400, 200 + Math.floor(index / 3) * 120, 44),
        ),
      ),
    );
    expect(found.map(({ text }) => text)).toEqual(cells);
  });

  it('finds nothing on an image without text', async () => {
    expect(await reader.readText(page([]))).toEqual([]);
    expect(await reader.readText({ data: new Uint8Array(3), width: 1, height: 1 })).toEqual([]);
  });

  it('goes on after a call that was aborted, which kills its process', async () => {
    const image = page([line('still here', 100, 300, 60)]);
    const abort = new AbortController();
    const aborted = reader.readText(image, abort.signal);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect((await reader.readText(image)).map(({ text }) => text)).toEqual(['still here']);
  });

  it('reports a folder without a model', async () => {
    await using missing = createTextReader({ folder: join(folder, 'nothing') });
    await expect(missing.readText(page([]))).rejects.toMatchObject({ code: 'model_invalid' });
  });
});

function line(text: string, x: number, y: number, size: number): DrawnLine {
  return { text, x, y, size };
}

function page(lines: readonly DrawnLine[]): OcrImage {
  return drawText({ width: 1280, height: 720, paper: '#ffffff', ink: '#202020', lines });
}

/** A title and indented lines, with sizes for 1080 rows scaled to `height`. */
function slideLines(texts: readonly string[], height: number): readonly DrawnLine[] {
  const scale = height / 1080;
  return texts.map((text, index) => ({
    text,
    x: (index === 0 ? 120 : 160) * scale,
    y: (180 + index * 160) * scale,
    size: (index === 0 ? 72 : 44) * scale,
    bold: index === 0,
  }));
}

function tokens(lines: readonly string[]): string[] {
  return lines.join(' ').split(/\s+/);
}

/** The image after x264, as a player decodes it. */
async function encoded({ data, width, height }: OcrImage, crf: number, name: string): Promise<OcrImage> {
  const video = join(folder, `${name}.mp4`);
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`];
  const matrix = ['-vf', 'scale=out_color_matrix=bt709', '-colorspace', 'bt709'];
  const x264 = ['-c:v', 'libx264', '-crf', String(crf), '-pix_fmt', 'yuv420p'];
  await ffmpeg([...raw, '-i', 'pipe:0', ...matrix, ...x264, `file:${video}`], async (write) => {
    await write(Buffer.from(data));
  });
  const output = join(folder, `${name}.rgb`);
  await ffmpeg([
    '-i',
    `file:${video}`,
    '-vf',
    'scale=in_color_matrix=bt709',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    `file:${output}`,
  ]);
  return { data: await readFile(output), width, height };
}
