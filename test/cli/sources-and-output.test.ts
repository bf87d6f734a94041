import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSource } from '../../cli/arguments/index.ts';
import { UsageError } from '../../cli/context.ts';
import { createProgressView, formatResult } from '../../cli/output/index.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { SummaryResult } from '../../schema/result.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-sources-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content, 'latin1');
  return join(folder, name);
}
const PNG = '\x89PNG\r\n\x1a\n';

describe('the source on a command line', () => {
  it('is classified by their first bytes, not their names', async () => {
    expect((await readSource([await file('a.mp4', '%PDF-1.7')])).kind).toBe('deck');
    expect((await readSource([await file('b.pdf', PNG)])).kind).toBe('images');
    expect((await readSource([await file('c.pdf', '\0\0\0\x18ftypisom')])).kind).toBe('video');
  });

  it('consists of the images of a folder in the order of their numbers', async () => {
    await mkdir(join(folder, 'slides'));
    for (const name of ['slide10.png', 'slide9.png', 'slide1.png', 'notes.txt'])
      await file(`slides/${name}`, PNG);
    const source = await readSource([join(folder, 'slides')]);
    expect(source.kind).toBe('images');
    const names = source.at === 'disk' ? source.files.map(({ path }) => basename(path)) : [];
    expect(names).toEqual(['slide1.png', 'slide9.png', 'slide10.png']);
  });

  it('is a deck where other bytes come before the header of a PDF', async () => {
    for (const before of ['\n', '\r\n\r\n', '\xef\xbb\xbf', 'x'.repeat(1000)])
      expect((await readSource([await file('a', `${before}%PDF-1.4`)])).kind).toBe('deck');
  });

  it('takes the pictures of a folder, not what an operating system put beside them', async () => {
    await mkdir(join(folder, 'photos', 'album.jpg'), { recursive: true });
    for (const name of ['._P2.png', '.P3.jpg', '.DS_Store', 'Thumbs.db', 'desktop.ini', '._P12.jpg'])
      await file(`photos/${name}`, '\0\x05\x16\x07\0\x02\0\0');
    for (const name of ['P12.jpg', 'P2.png']) await file(`photos/${name}`, PNG);
    const source = await readSource([join(folder, 'photos')]);
    const names = source.at === 'disk' ? source.files.map(({ path }) => basename(path)) : [];
    expect([source.kind, ...names]).toEqual(['images', 'P2.png', 'P12.jpg']);
  });

  it('is a list of images even if one of them cannot be read', async () => {
    const args = [await file('a.png', PNG), await file('b.jpg', ''), await file('c.jpg', '%PDF-1.4')];
    expect((await readSource(args)).kind).toBe('images');
  });

  it.each([
    ['https://example.com/talk.mp4?x=1', 'video'],
    ['https://example.com/Deck.PDF#page=2', 'deck'],
    ['https://example.com/a.jpeg', 'images'],
    ['https://example.com/watch', 'video'],
  ])('at the URL %s is classified as %s', async (address, kind) => {
    expect((await readSource([address])).kind).toBe(kind);
  });

  it('must be of one kind', async () => {
    const args = [await file('a.png', PNG), await file('b.pdf', '%PDF-1.7')];
    await expect(readSource(args)).rejects.toThrow(UsageError);
  });
});

describe('the folder of photos that a Mac wrote', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it('has three pictures', async () => {
    const source = await readSource([casePath('images/i1-photos')]);
    const names = source.at === 'disk' ? source.files.map(({ path }) => basename(path)) : [];
    expect([source.kind, ...names]).toEqual(['images', 'IMG_1.jpg', 'IMG_2.jpg', 'IMG_10.jpg']);
  });
});

const progress = {
  percent: 40,
  stage: 'describe',
  segments: { total: 5, done: 2, failed: 0 },
  eta_seconds: 61,
} as const;
const time = '2026-01-01T00:00:00Z';

/** Returns the output for two events. */
function renderProgress(isTTY: boolean): string {
  let out = '';
  const stream = {
    isTTY,
    columns: 100,
    write: (text: string) => {
      out += text;
      return true;
    },
  };
  // Only these members of a stream are used.
  const view = createProgressView(stream as unknown as NodeJS.WriteStream, 'talk.mp4');
  const frame = { index: 0, time: 12.5, caption: 'A red\x1b[31m circle.', image: '' };
  const segment = { index: 0, start_time: 12, end_time: 14, frames: [frame], cached: false };
  view.showEvent({ id: 1, time, progress, type: 'segment.completed', segment } satisfies JobEvent);
  view.showEvent({ id: 2, time, progress: { ...progress, percent: 100 }, type: 'job.completed', gaps: 0 });
  view.close();
  return out;
}

describe('progress', () => {
  it('is one redrawn line on a terminal, cleared at the end', () => {
    const out = renderProgress(true);
    expect(out).toContain('40% describing 2/5, 1 min 1 s left');
    expect(out).not.toContain('\n');
    expect(out.endsWith('\r\x1b[K')).toBe(true);
  });

  it('is one line per event without a terminal', () => {
    expect(renderProgress(false)).toBe(
      'talk.mp4:  40% 0:12.5  A red [31m circle.\ntalk.mp4: 100% completed\n',
    );
  });
});

const RESULT: SummaryResult = {
  schema: 2,
  title: 'Shapes',
  summary: 'A red circle, then a \x1b]0;owned\x07blue square.',
  finish_reason: 'stop',
  coverage: 0.5,
  gaps: [{ segment: 1, start_time: 60, end_time: 120, reason: 'model_crashed', attempts: 6 }],
  chapters: [{ title: 'Circles', start_time: 0, end_time: 60, summary: 'A red circle.', segments: [0] }],
  segments: [
    {
      index: 0,
      start_time: 0,
      end_time: 60,
      caption: '1: A red circle.',
      finish_reason: 'stop',
      frames: [{ index: 0, time: 3661.04, caption: 'A red circle.', image: 'x' }],
      usage: { image_tokens: 1, input_tokens: 1, output_tokens: 1 },
    },
  ],
  sentences: [],
  unsupported: [],
  source: { type: 'video', sha256: '0'.repeat(64), duration: 120 },
  usage: { frames: 1, image_tokens: 1, input_tokens: 1, output_tokens: 1 },
  model: { name: 'tiny', revision: '1' },
  prompts: '1',
  text_sources: [],
  notice: 'AI-generated; may be wrong.',
};

describe('a result as text', () => {
  it('contains title, chapters, frames and gaps with their times', () => {
    const text = formatResult(RESULT);
    expect(text).toContain('Shapes\n======\n');
    expect(text).toContain('  0:00–1:00  Circles\n    A red circle.');
    expect(text).toContain('1:01:01.0  A red circle.');
    expect(text).toContain('1:00–2:00: model_crashed');
    expect(text).toContain('2:00 long; 1 frame, 1 token generated by tiny.');
  });

  it('contains no terminal escape sequences from the model', () => {
    const text = formatResult(RESULT);
    expect(text).not.toContain('\x1b');
    expect(text).not.toContain('\x07');
  });
});
