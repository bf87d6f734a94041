/**
 * Decks through the activities: what is drawn, what is found again after a loss, and what becomes of what
 * cannot be drawn.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { PDFDocument, PDFName, PDFNumber, StandardFonts } from 'pdf-lib';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CpuDeps,
  createCpuActivities,
  createGpuActivities,
  createWorkflowActivities,
} from '../../activities/index.ts';
import type { Extraction } from '../../activities/lib/extraction.ts';
import { findMediaTools } from '../../media/index.ts';
import type { Generator } from '../../phi3v/index.ts';
import { fileIdFor, type JobId, jobIdFor } from '../../schema/ids.ts';
import { ModelProfile } from '../../schema/model-profile.ts';
import type { SourceRequest } from '../../schema/request.ts';
import type { ExtractFramesInput, ExtractFramesOutput, IngestOutput } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { fileName, SOURCES, secretName, sourceTextsName } from '../../store/names.ts';
import { makePptx, type PptxSpec } from '../corpus/pptx.ts';
import { lockedPdf } from '../media/locked-pdf.ts';
import { putRequest } from '../support/requests.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';

const profile = ModelProfile.parse(
  JSON.parse(await readFile(new URL('../../models/tiny-phi3v/frameloom.json', import.meta.url), 'utf8')),
);
const tools = await findMediaTools({});

let root: string;
let store: ArtifactStore;
/** Names under which something was put, in order. */
let puts: string[];
let jobId: JobId;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-slides-'));
  const folder = createFolderStore(join(root, 'store'));
  puts = [];
  store = {
    ...folder,
    put: (name, body) => {
      puts.push(name);
      return folder.put(name, body);
    },
  };
  jobId = await jobIdFor('t', 'k');
});
afterEach(() => rm(root, { recursive: true, force: true }));

function cpu(overrides: Partial<CpuDeps> = {}) {
  return createCpuActivities({
    store,
    tools,
    profile,
    scratch: root,
    office: undefined,
    withoutLibreOffice: 'text',
    transcription: undefined,
    limits: { maxPixels: 2 ** 26, maxPages: 500, maxBytes: 2 ** 30, allowPrivate: true },
    ...overrides,
  });
}

const environment = (): MockActivityEnvironment =>
  new MockActivityEnvironment({ attempt: 1 }, { logger: new DefaultLogger('ERROR') });

function run<I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> {
  return environment().run<[I], O, typeof activity>(activity, input);
}

/** Stores a file as an upload does. */
async function upload(content: Uint8Array) {
  const { sha256, bytes } = await store.putByContent(SOURCES, content);
  const id = await fileIdFor('t', sha256);
  const record = { id, object: 'file', filename: 'x', bytes, sha256, created_at: new Date(0).toISOString() };
  await store.put(fileName(id), new TextEncoder().encode(JSON.stringify(record)));
  return id;
}

async function ingest(source: SourceRequest, deps: Partial<CpuDeps> = {}): Promise<IngestOutput> {
  await putRequest(store, jobId, { source });
  return run(cpu(deps).ingest, { jobId });
}

function extractInput({ source, artifact, deck, slides, model }: IngestOutput): ExtractFramesInput {
  const numbers = slides.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  const span = { kind: 'slides', slides: numbers } as const;
  return { source, artifact, span, crops: model.crops, ...(deck ? { deck } : {}) };
}

async function extracted({ extraction }: ExtractFramesOutput): Promise<Extraction> {
  return JSON.parse(new TextDecoder().decode(await store.bytes(extraction))) as Extraction; // as the activity wrote it
}

async function pptx(spec: PptxSpec): Promise<SourceRequest> {
  return {
    type: 'deck',
    file_id: await upload(await readFile(await makePptx(join(root, 'deck.pptx'), spec))),
  };
}

async function pdf(
  pages: number,
  change: (document: PDFDocument) => void = () => undefined,
): Promise<SourceRequest> {
  const document = await PDFDocument.create();
  const font = await document.embedFont(StandardFonts.Helvetica);
  for (let page = 1; page <= pages; page++) {
    document.addPage([320, 180]).drawText(`Page ${page}`, { x: 20, y: 80, size: 30, font });
  }
  change(document);
  return { type: 'deck', file_id: await upload(await document.save({ useObjectStreams: false })) };
}

describe('a PPTX without LibreOffice', () => {
  const spec = {
    slides: [
      { title: 'Aims', body: ['grow'], notes: 'Speak slowly.' },
      { picture: { alt: '', data: Buffer.from('png') } },
      { title: 'Secret', hidden: true },
      { xml: '<p:sld' },
    ],
  };

  it('is summarized by its words: every slide is there, and a gap for each picture', async () => {
    const found = await ingest(await pptx(spec));
    expect(found.source).toMatchObject({ type: 'deck', pages: 4 });
    expect(found.deck).toMatchObject({ pages: 4, noImagesReason: 'renderer_missing' });
    const output = await run(cpu().extractFrames, extractInput(found));
    const { frames, decisions, slides, gaps } = await extracted(output);
    expect(slides).toEqual([
      { slide: 1, title: 'Aims', text: 'Aims\ngrow', notes: 'Speak slowly.' },
      { slide: 2, text: '' },
      { slide: 3, title: 'Secret', text: 'Secret', hidden: true },
      { slide: 4 },
    ]);
    expect(gaps).toEqual([1, 2, 3, 4].map((slide) => ({ slide, reason: 'renderer_missing' })));
    expect([output.gaps, frames.map(({ slide, placeholder }) => [slide, placeholder])]).toEqual([
      4,
      [
        [1, true],
        [3, true],
      ],
    ]);
    // Nothing is offered as their image.
    expect(decisions.map(({ slide, reason, name }) => [slide, reason, name])).toEqual([
      [1, 'placeholder', undefined],
      [3, 'placeholder', undefined],
    ]);
  });

  it('names the charts and notes that it does not read, as a gap of their slide', async () => {
    const xml = `<c:chartSpace xmlns:c="c"${Array.from({ length: 1001 }, (_, at) => ` a${at}=""`).join('')}/>`;
    const charts = Array.from({ length: 7 }, () => ({ xml }));
    const found = await ingest(await pptx({ slides: [{ title: 'Whole' }, { title: 'Kept', charts }] }));
    const { slides, gaps } = await extracted(await run(cpu().extractFrames, extractInput(found)));
    expect(slides.map(({ text }) => text)).toEqual(['Whole', 'Kept']);
    expect(gaps.map((gap) => 'slide' in gap && [gap.slide, gap.reason])).toEqual([
      [1, 'renderer_missing'],
      [2, 'renderer_missing'],
      [2, 'media_too_large'],
    ]);
    expect(gaps[2]).toHaveProperty(
      'message',
      expect.stringMatching(
        /^The chart \S+\.xml cannot be read: .*1000 attributes.* 2 more parts cannot be read\.$/,
      ),
    );
  });

  it('is rejected with what to do where the requested slides have no words', async () => {
    const picture = { alt: '', data: Buffer.from('png') };
    const source = await pptx({ slides: [{ title: 'Words' }, { picture }, { picture }] });
    await putRequest(store, jobId, { source, pages: '2-3' });
    await expect(run(cpu().ingest, { jobId })).rejects.toMatchObject({
      type: 'renderer_missing',
      message: expect.stringMatching(/only images.*LibreOffice is not installed.*PDF/),
      nonRetryable: true,
    });
    await putRequest(store, jobId, { source, pages: '1-3' });
    expect(await run(cpu().ingest, { jobId })).toMatchObject({ deck: { pages: 3 } });
  });

  it('is rejected where none of its slides has words', async ({ skip }) => {
    skip(CASES_ABSENT, CASES_REASON);
    const source = {
      type: 'deck',
      file_id: await upload(await readFile(casePath('decks/wordless.pptx'))),
    } as const;
    await putRequest(store, jobId, { source });
    await expect(run(cpu().ingest, { jobId })).rejects.toMatchObject({ type: 'renderer_missing' });
  });

  it('keeps its own title as an artifact of the job, out of the history', async () => {
    const found = await ingest(await pptx({ title: 'Quokka habitats in 1987', slides: [{ title: 'Map' }] }));
    expect(JSON.stringify(found)).not.toContain('Quokka');
    const texts = await store.bytes(sourceTextsName(jobId, found.source.sha256));
    expect(JSON.parse(Buffer.from(texts).toString())).toEqual({ title: 'Quokka habitats in 1987' });
  });

  it('is described by those words, without a model call', async () => {
    const found = await ingest(await pptx(spec));
    const { extraction } = await run(cpu().extractFrames, extractInput(found));
    const generator = { info: { runtime: 'none' } } as unknown as Generator; // must not be asked for more
    const { describeSegment } = createGpuActivities({
      store,
      profile,
      generator,
      scratch: root,
      keepFeatures: false,
    });
    const ref = { jobId, run: 'r' };
    await run(createWorkflowActivities({ store }).storeShard, {
      ...ref,
      kind: 'extractions',
      shard: 0,
      entries: [extraction],
    });
    const { source, model } = found;
    const planned = await run(cpu().plan, { ...ref, source, model, extractions: 1 });
    expect(planned).toMatchObject({ segments: 1, frames: 2 });
    const described = await run(describeSegment, { ...ref, shard: 0, entry: 0 });
    const { lines } = JSON.parse(new TextDecoder().decode(await store.bytes(described.generation)));
    expect(lines).toEqual(['Aims: grow. Speak slowly.', 'Secret.']);
  });

  it('is refused where the setting says so', async () => {
    await expect(ingest(await pptx(spec), { withoutLibreOffice: 'reject' })).rejects.toMatchObject({
      type: 'renderer_missing',
      nonRetryable: true,
    });
  });
});

describe('a PDF', () => {
  it('with one page that is broken has one gap, and all other pages', async () => {
    const found = await ingest(
      await pdf(5, (document) => document.context.assign(document.getPage(2).ref, PDFNumber.of(1))),
    );
    const { frames, slides, gaps } = await extracted(await run(cpu().extractFrames, extractInput(found)));
    expect(slides.map(({ slide, text }) => [slide, text])).toEqual([
      [1, 'Page 1'],
      [2, 'Page 2'],
      [3, undefined],
      [4, 'Page 4'],
      [5, 'Page 5'],
    ]);
    expect(frames.map(({ slide }) => slide)).toEqual([1, 2, 4, 5]);
    expect(gaps).toEqual([
      {
        slide: 3,
        reason: 'media_truncated',
        message: 'Page 3 of the PDF is cut off or damaged. Export it again.',
      },
    ]);
  });

  it('takes a limited time in all: after a page that never ends, the others are gaps that say so', async () => {
    const source = await pdf(4, (document) => paintWithItself(document, 1));
    const limits = {
      ...{ maxPixels: 2 ** 26, maxPages: 500, maxBytes: 2 ** 30, allowPrivate: true },
      slideTime: { perSlideMs: 4000, sharedMs: 1 },
    };
    const found = await ingest(source);
    const output = await run(cpu({ limits }).extractFrames, extractInput(found));
    const { frames, slides, gaps } = await extracted(output);
    expect(frames.map(({ slide }) => slide)).toEqual([1, 2]); // slide 2 is a placeholder with its text
    expect(slides.map(({ text }) => text)).toEqual(['Page 1', 'Page 2', undefined, undefined]);
    const reason = 'render_time_exceeded';
    const message = 'Slow slides used up the 0.001 s that the slides of this deck share.';
    expect(gaps).toEqual([
      { slide: 2, reason, message: expect.stringMatching(/^Page 2 of the PDF was not read within [34]/) },
      { slide: 3, reason, message },
      { slide: 4, reason, message },
    ]);
    const again = await run(cpu({ limits }).extractFrames, { ...extractInput(found), crops: 1 });
    expect((await extracted(again)).gaps).toEqual(gaps); // what was used is not given again
  });

  it('is drawn as large as the crops of the model can show', async () => {
    const found = await ingest(await pdf(1));
    const side = async (crops: number): Promise<number | undefined> => {
      const output = await run(cpu().extractFrames, { ...extractInput(found), crops });
      const { frames } = await extracted(output);
      return frames[0]?.width;
    };
    expect([await side(1), await side(16)]).toEqual([1344, 1680]);
  });

  it('is drawn page by page: what was drawn before a worker was lost is not drawn again', async () => {
    const input = extractInput(await ingest(await pdf(12)));
    const lost = environment();
    const before = puts.length;
    const put = store.put;
    store.put = (name, body) => {
      if (puts.filter((known) => known.startsWith('slides/')).length === 5) lost.cancel('WORKER_SHUTDOWN');
      return put(name, body);
    };
    await expect(lost.run(cpu().extractFrames, input)).rejects.toThrow();
    const drawn = puts.slice(before).filter((name) => name.startsWith('slides/'));
    expect(drawn.length).toBeGreaterThanOrEqual(5);
    expect(drawn.length).toBeLessThan(12);
    store.put = put;
    const output = await run(cpu().extractFrames, input);
    const all = puts.slice(before).filter((name) => name.startsWith('slides/'));
    expect([all.length, new Set(all).size]).toEqual([12, 12]);
    expect((await extracted(output)).slides.map(({ text }) => text)).toEqual(
      Array.from({ length: 12 }, (_, index) => `Page ${index + 1}`),
    );
  });

  it('with a password opens by what is kept under its reference, and says nothing of it', async () => {
    const file_id = await upload(lockedPdf('open sesame', 'Hidden words'));
    await store.put(secretName(jobId, 'secret_1'), Buffer.from('open sesame'));
    await store.put(secretName(jobId, 'secret_2'), Buffer.from('guess'));
    const found = await ingest({ type: 'deck', file_id, password: 'secret_1' });
    expect(JSON.stringify(found)).not.toContain('sesame');
    const { slides } = await extracted(await run(cpu().extractFrames, extractInput(found)));
    expect(slides[0]?.text).toBe('Hidden words');
    for (const password of [undefined, 'secret_2', 'secret_3']) {
      const failure: unknown = await ingest({
        type: 'deck',
        file_id,
        ...(password ? { password } : {}),
      }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ type: 'encrypted_media' });
      expect(String(failure)).not.toMatch(/guess|secret/);
    }
  });
});

/** Fills page `index` with a pattern that is filled with itself. */
function paintWithItself(document: PDFDocument, index: number): void {
  const { context } = document;
  const pattern = context.nextRef();
  const entries = { PatternType: 1, PaintType: 1, TilingType: 1, BBox: [0, 0, 100, 100], XStep: 1, YStep: 1 };
  const Resources = { Pattern: { P: pattern } };
  context.assign(
    pattern,
    context.stream('/Pattern cs /P scn 0 0 100 100 re f', { Type: 'Pattern', ...entries, Resources }),
  );
  const page = document.getPage(index).node;
  page.Resources()?.set(PDFName.of('Pattern'), context.obj({ P: pattern }));
  page.addContentStream(context.register(context.stream('/Pattern cs /P scn 0 0 320 180 re f')));
}

describe('a list of images', () => {
  it('counts every page of a TIFF as a picture', async () => {
    const data = Buffer.alloc(8 * 16 * 3);
    for (let at = 0; at < 8 * 16; at++) data.set(at < 64 ? [255, 0, 0] : [0, 0, 255], at * 3);
    const tiff = await sharp(data, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
      .tiff()
      .toBuffer();
    const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#00ff00' } })
      .png()
      .toBuffer();
    const found = await ingest({ type: 'images', file_ids: [await upload(tiff), await upload(png)] });
    expect(found.source).toMatchObject({ type: 'images', pages: 3 });
    const { frames } = await extracted(await run(cpu().extractFrames, extractInput(found)));
    const colours = await Promise.all(
      frames.map(async ({ name }) =>
        (await sharp(await store.bytes(name)).stats()).channels.map(({ mean }) => mean > 128),
      ),
    );
    expect(colours).toEqual([
      [true, false, false],
      [false, false, true],
      [false, true, false],
    ]);
  });
});

describe('a list of images of which some cannot be read', () => {
  const picture = (background: string): Promise<Buffer> =>
    sharp({ create: { width: 40, height: 30, channels: 3, background } })
      .jpeg()
      .toBuffer();

  it('has a gap with number and reason for each of them, and every other image', async () => {
    const [red, blue] = [await picture('#ff0000'), await picture('#0000ff')];
    const contents = [red, Buffer.alloc(0), blue.subarray(0, -20), Buffer.from('no picture'), blue];
    const ids = [];
    for (const content of contents) ids.push(await upload(content));
    const found = await ingest({ type: 'images', file_ids: ids });
    expect(found.source).toMatchObject({ type: 'images', pages: 5 });
    const output = await run(cpu().extractFrames, extractInput(found));
    const { frames, gaps } = await extracted(output);
    expect(frames.map(({ slide }) => slide)).toEqual([1, 5]);
    expect(gaps).toEqual([
      { slide: 2, reason: 'empty_source' },
      { slide: 3, reason: 'media_truncated' },
      { slide: 4, reason: 'unsupported_media' },
    ]);
    expect(output.gaps).toBe(3);
  });

  it('is rejected with the reason of the first if none can be read', async () => {
    const ids = [await upload(Buffer.from('no picture')), await upload(Buffer.alloc(0))];
    await expect(ingest({ type: 'images', file_ids: ids })).rejects.toMatchObject({
      type: 'unsupported_media',
      nonRetryable: true,
      message: expect.stringContaining('Image 1'),
    });
  });

  it('leaves out the companion files of macOS', async () => {
    const companion = Buffer.concat([Buffer.from([0, 5, 0x16, 7, 0, 2, 0, 0]), Buffer.from('Mac OS X')]);
    const file_ids = [await upload(companion), await upload(await picture('#00ff00'))];
    const found = await ingest({ type: 'images', file_ids });
    expect(found.source).toMatchObject({ pages: 1 });
    expect((await run(cpu().extractFrames, extractInput(found))).gaps).toBe(0);
  });
});

it('nothing is left in scratch', async () => {
  await ingest(await pptx({ slides: [{ title: 'x' }] }));
  expect((await readdir(root)).sort()).toEqual(['deck.pptx', 'store']);
});
