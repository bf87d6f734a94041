/** Hostile XML in presentations: it ends early with the limit in the message, and the event loop stays free. */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { readPptx } from '../../media/index.ts';
import { makePptx, type PptxSpec } from '../corpus/pptx.ts';
import { temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
let made = 0;

async function read(spec: PptxSpec, signal?: AbortSignal) {
  return readPptx(await makePptx(join(folder, `${++made}.pptx`), spec), 100, signal);
}

const attributes = (count: number): string =>
  Array.from({ length: count }, (_, index) => ` a${index}="${index}"`).join('');
const slide = (content: string): { xml: string } => ({
  xml: `<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree>${content}</p:spTree></p:cSld></p:sld>`,
});

it.each([
  [
    '250,000 attributes of an element',
    /^Slide 2: .*1000 attributes in one element/,
    `<p:sp${attributes(250_000)}/>`,
  ],
  [
    'elements nested 100,000 deep',
    /^Slide 2: .*deeper than 200/,
    `${'<a:g>'.repeat(100_000)}${'</a:g>'.repeat(100_000)}`,
  ],
  ['2,100,000 elements', /^Slide 2: .*2000000 elements/, '<a/>'.repeat(2_100_000)],
])('a slide with %s is rejected with the limit', async (_what, message, content) => {
  const error: unknown = await read({ slides: [{ title: 'Good' }, slide(content)] }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({
    code: 'media_too_large',
    retryable: false,
    message: expect.stringMatching(message),
  });
});

it('a chart, notes or properties above a limit are left out by name, and the slide is read', async () => {
  const xml = `<c:chartSpace xmlns:c="c"${attributes(2000)}/>`;
  const parts = ['docProps/core.xml', 'ppt/notesSlides/notesSlide1.xml'];
  const { slides } = await read({
    title: 'x',
    slides: [{ title: 'Kept', notes: 'x', charts: [{ xml }] }],
    parts: parts.map((name) => ({ name, data: Buffer.from(xml) })),
  });
  expect(slides).toMatchObject([{ title: 'Kept', text: 'Kept', damaged: false }]);
  const reason = 'media_too_large';
  const why = 'cannot be read: XML with more than 1000 attributes in one element is not accepted.';
  expect(slides[0]?.leftOut).toEqual([
    { reason, message: `The title in the document properties ${why}` },
    { reason, message: `The notes ${why}` },
    { reason, message: `The chart chart1-0.xml ${why}` },
  ]);
});

it('a chart that is damaged is left out by name, and the others are read', async () => {
  const whole = '<c:chartSpace xmlns:c="c" xmlns:a="a"/>';
  const { slides } = await read({
    slides: [{ title: 'First' }, { title: 'Second', charts: [{ xml: whole }, { xml: '<c:chart' }] }],
  });
  expect(slides.map(({ leftOut }) => leftOut)).toEqual([
    undefined,
    [
      {
        reason: 'media_truncated',
        message: 'The chart chart2-1.xml cannot be read: The XML is not well-formed.',
      },
    ],
  ]);
});

it('the event loop turns while long texts, comments and many entities are parsed', async () => {
  const long = [
    `<!--${'- '.repeat(4e5)}-->`,
    `<a:t>${'&amp;'.repeat(2e5)}</a:t>`,
    `<a:t><![CDATA[${'] '.repeat(4e5)}]]></a:t>`,
    `<a:t b="${'x\n'.repeat(4e5)}"/>`,
  ];
  const reading = read({ slides: long.map(slide), deflate: false });

  let turns = 0;
  let isRead = false;
  const note = (): void => {
    isRead = true;
  };
  reading.then(note, note);
  while (!isRead) {
    turns += 1;
    await setImmediate();
  }
  expect((await reading).slides.map(({ damaged }) => damaged)).toEqual([false, false, false, false]);
  expect(turns).toBeGreaterThan(100);
});

it('reading ends when it is cancelled', async () => {
  const reason = new Error('cancelled');
  const controller = new AbortController();
  const slides = [slide(`<!--${'- '.repeat(7e6)}-->`)];
  const reading = read({ slides, deflate: false }, controller.signal);
  controller.abort(reason);
  await expect(reading).rejects.toBe(reason);
});
