/** Decks, transcripts and lectures in the whole system. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PDFDocument, StandardFonts } from 'pdf-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFrameloom } from '../cli/run-frameloom.ts';
import { makePptx } from '../corpus/pptx.ts';
import { lockedPdf } from '../media/locked-pdf.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

const run = promisify(execFile);
const soffice = await run('soffice', ['--version']).then(
  () => true,
  () => false,
);

let system: TestSystem;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-decks-'));
  system = await startSystem();
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const SLIDES = [
  { title: 'Aims', body: ['grow', 'learn'], notes: 'Speak slowly.' },
  { title: 'Means', hidden: true },
  { xml: '<p:sld', notes: 'What was here is lost.' },
  { title: 'Thanks', picture: { alt: 'A handshake' } },
];

describe('a PPTX', () => {
  it(`keeps every slide with its title, notes, hidden flag and alternative text${soffice ? '' : ' (without images, because LibreOffice is not installed)'}`, async () => {
    const path = await makePptx(join(folder, 'talk.pptx'), { slides: SLIDES });
    const { id } = await system.client.createSummary({
      source: { type: 'deck', file_id: await system.upload(path) },
    });
    const { job } = await follow(system, id);
    expect(job.status).toBe('completed_with_gaps');
    const { slides = [], gaps = [], coverage } = job.result ?? {};
    expect(slides.map(({ slide, title, notes, hidden, alt }) => [slide, title, notes, hidden, alt])).toEqual([
      [1, 'Aims', 'Speak slowly.', undefined, undefined],
      [2, 'Means', undefined, true, undefined],
      [3, undefined, 'What was here is lost.', undefined, undefined],
      [4, 'Thanks', undefined, undefined, ['A handshake']],
    ]);
    expect(slides[2]?.caption).toBe('What was here is lost.');
    if (soffice) {
      expect(gaps).toEqual([{ slides: [3], reason: 'media_truncated', attempts: 1 }]);
      expect(coverage).toBe(0.75);
    } else {
      expect(gaps.map((gap) => gap.slides)).toEqual([[1], [2], [3], [4]]);
    }
  });
});

describe('an encrypted PDF', () => {
  it('is opened with the password of the request, which no response, event or history contains', async () => {
    const path = join(folder, 'locked.pdf');
    await writeFile(path, lockedPdf('open sesame', 'Hidden words'));
    await writeFile(join(folder, 'password'), 'open sesame\n');
    const { code, stdout } = await runFrameloom(
      ['summarize', path, '--password-file', join(folder, 'password'), '--json'],
      { FRAMELOOM_URL: system.url },
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ slides: [{ slide: 1, text: 'Hidden words' }] });
    const { data } = await system.client.listSummaries();
    expect(JSON.stringify(data)).not.toContain('sesame');
    expect(stdout).not.toContain('sesame');
    // Temporal's database contains every history and memo.
    const inHistory = (text: string): Promise<string> =>
      run('grep', ['-rlaF', text, system.home, '--include=*.db*']).then(
        ({ stdout: files }) => files,
        () => '',
      );
    expect(await inHistory(data[0]?.id ?? 'no job')).not.toBe('');
    expect(await inHistory('open sesame')).toBe('');
  });
});

describe('a recorded lecture with its slides and subtitles', () => {
  it('has slide numbers with their times, and the transcript', async () => {
    const deck = join(folder, 'lecture.pdf');
    const video = join(folder, 'lecture.mp4');
    const subtitles = join(folder, 'lecture.srt');
    await makeLecture(deck, video);
    await writeFile(
      subtitles,
      // The last cue begins after the end of the video.
      '1\n0:0:0.5 --> 0:0:2\nWelcome.\n\n2\n00:00:07,000 --> 00:00:09,000\nAnd now.\n\n3\n0:1:0.0 --> 0:1:2.0\nToo late.\n',
    );
    const { code, stdout } = await runFrameloom(
      ['summarize', video, '--deck', deck, '--subtitles', subtitles, '--json'],
      { FRAMELOOM_URL: system.url },
    );
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    // Slides 1 and 3 for three seconds each, a test pattern for two, slide 1 again for two.
    expect(result.slides).toMatchObject([
      {
        slide: 1,
        title: 'Opening words',
        intervals: [
          { start_time: 0, end_time: 3 },
          { start_time: 8, end_time: 10 },
        ],
      },
      { slide: 2, title: 'Never shown' },
      { slide: 3, title: 'Closing remarks', intervals: [{ start_time: 3, end_time: 6 }] },
    ]);
    expect(result.slides[1].intervals).toBeUndefined();
    expect(result.text_sources).toEqual(['slides', 'subtitles']);
    expect(result.transcript).toEqual({ cues: 3, skipped: [{ reason: 'after_end', cues: 1 }] });
    const transcriptText = result.segments
      .flatMap(({ transcript = [] }: { transcript?: readonly { text: string }[] }) => transcript)
      .map(({ text }: { text: string }) => text)
      .join(' ');
    expect(transcriptText.trim().replace(/\s+/g, ' ')).toBe('Welcome. And now.');
    expect(result.chapters.flatMap(({ slides }: { slides?: number[] }) => slides ?? [])).toEqual(
      expect.arrayContaining([1, 3]),
    );
  });

  /** Creates a deck of three slides, and a video of slide 1, slide 3, a test pattern, and slide 1 again. */
  async function makeLecture(deck: string, video: string): Promise<void> {
    const document = await PDFDocument.create();
    const font = await document.embedFont(StandardFonts.Helvetica);
    for (const [title, lines] of [
      ['Opening words', ['where we come from', 'why it matters']],
      ['Never shown', ['nobody sees this', 'nor that']],
      ['Closing remarks', ['questions are welcome', 'the next meeting is in May']],
    ] as const) {
      const page = document.addPage([640, 360]);
      page.drawText(title, { x: 40, y: 280, size: 40, font });
      for (const [index, line] of lines.entries())
        page.drawText(line, { x: 60, y: 200 - index * 60, size: 26, font });
    }
    await writeFile(deck, await document.save());
    const { openDeck, encodeJpeg } = await import('../../media/index.ts');
    using opened = await openDeck(deck, { maxPages: 9, maxPixels: 1e8 });
    for (const page of [1, 3]) {
      await writeFile(
        join(folder, `page${page}.jpg`),
        await encodeJpeg((await opened.page(page, { maxSide: 640 })).image),
      );
    }
    const still = (name: string, seconds: number): string[] => [
      '-loop',
      '1',
      '-t',
      String(seconds),
      '-i',
      join(folder, name),
    ];
    await run('ffmpeg', [
      ...['-v', 'error', '-y', ...still('page1.jpg', 3), ...still('page3.jpg', 3)],
      ...['-f', 'lavfi', '-t', '2', '-i', 'testsrc2=s=640x360:r=25', ...still('page1.jpg', 2)],
      ...[
        '-filter_complex',
        '[0][1][2][3]concat=n=4:v=1,format=yuv420p',
        '-r',
        '25',
        '-c:v',
        'libx264',
        '-g',
        '25',
        video,
      ],
    ]);
  }
});
