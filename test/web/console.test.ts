import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatMarkdown } from '../../web/job/markdown.ts';
import { H264, makeClip, readNumber, temporaryFolder } from '../media/clips.ts';
import { findChromium, launch } from './chromium.ts';
import {
  BEFORE_SEGMENTS,
  DECK_ID,
  DURATION,
  deckJob,
  failed,
  finished,
  VIDEO_ID,
  videoEvents,
  videoJob,
  videoResult,
} from './sample-jobs.ts';
import { type ScriptedApi, startScriptedApi } from './scripted-api.ts';

const executable = findChromium();

/** Enough for a machine that is busy with other tests. */
const PATIENCE = { timeout: 15_000 };

describe('the console in Chromium', { timeout: 60_000 }, () => {
  const folder = temporaryFolder();
  let browser: Browser | undefined;
  let context: BrowserContext;
  let page: Page;
  let api: ScriptedApi;
  /** Whatever the page complains of: errors on the console, uncaught ones, breaches of its content policy. */
  let complaints: string[];

  beforeAll(async () => {
    if (executable) browser = await launch(executable);
  }, 60_000);
  afterAll(() => browser?.close());

  beforeEach(async ({ skip }) => {
    skip(!executable, 'no Chromium: neither CHROMIUM_PATH nor the PATH leads to one');
    if (!browser) throw new Error('the browser did not start');
    api = await startScriptedApi();
    complaints = [];
    context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(PATIENCE.timeout);
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`content policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
  });

  afterEach(async () => {
    if (!executable) return;
    await context.close();
    await api.close();
    expect(complaints).toEqual([]);
  });

  const open = (hash = ''): Promise<unknown> => page.goto(`${api.url}/${hash}`);
  const openFinishedVideo = async (): Promise<void> => {
    api.jobs.set(VIDEO_ID, finished(videoJob(), videoResult()));
    await open(`#/jobs/${VIDEO_ID}`);
    await timeline().waitFor();
  };
  const timeline = (): Locator => page.getByRole('slider', { name: 'Timeline' });
  const frameRows = (): Locator => page.getByRole('region', { name: 'Frames' }).getByRole('listitem');
  const stage = (): Locator => page.getByRole('region', { name: 'Selected frame' });
  const shownPicture = (): Promise<string | null> =>
    stage().getByRole('figure').getByRole('img').getAttribute('src');
  const drop = async (names: readonly string[]): Promise<void> => {
    const transfer = await page.evaluateHandle((given) => {
      const data = new DataTransfer();
      for (const name of given) data.items.add(new File(['twelve bytes'], name));
      return data;
    }, names);
    await page.locator('body').dispatchEvent('dragover', { dataTransfer: transfer });
    await page.locator('body').dispatchEvent('drop', { dataTransfer: transfer });
  };

  it('uploads a dropped video and shows live progress and the summary', async () => {
    const events = videoEvents();
    api.nextJob = videoJob();
    const release = api.holdUploads();
    await open();
    await page.getByText('No summaries yet').waitFor();
    await drop(['team-meeting.mp4']);
    const start = page.getByRole('button', { name: 'Summarize' });
    await start.waitFor();
    expect(await start.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    await page.getByRole('progressbar', { name: 'Upload' }).waitFor();
    release();

    const progress = page.getByRole('progressbar', { name: 'Summary' });
    await progress.waitFor();
    expect(api.uploads).toEqual([{ filename: 'team-meeting.mp4', bytes: 12 }]);
    expect(api.requests).toMatchObject([
      { source: { type: 'video' }, detail: 'medium', sampling: { mode: 'adaptive' } },
    ]);
    api.emit(VIDEO_ID, ...events.slice(0, BEFORE_SEGMENTS + 1));
    await page.getByText('1 of 6 segments').waitFor();
    await expect.poll(() => frameRows().count()).toBe(2);
    expect(await progress.getAttribute('aria-valuenow')).toBe('23');
    api.emit(VIDEO_ID, ...events.slice(BEFORE_SEGMENTS + 1, BEFORE_SEGMENTS + 3));
    await page.getByText('3 of 6 segments · about 50 s left').waitFor();
    expect(await shownPicture()).toMatch(/frames\/5\.jpg$/);

    api.jobs.set(VIDEO_ID, finished(videoJob(), videoResult()));
    api.emit(VIDEO_ID, ...events.slice(BEFORE_SEGMENTS + 3));
    await page.getByRole('heading', { name: videoResult().title }).waitFor();
    await expect.poll(() => frameRows().count()).toBe(12);
    await expect.poll(() => progress.count()).toBe(0);
    await expect.poll(() => page.getByText('Complete', { exact: true }).count()).toBe(1);
  });

  it('samples frames at a fixed rate when that option is selected', async () => {
    api.nextJob = videoJob();
    await open();
    await drop(['team-meeting.mp4']);
    await page.getByText('Options').click();
    await page.getByRole('radio', { name: 'At a fixed rate' }).check();
    await page.getByRole('spinbutton', { name: 'Frames per second' }).fill('2');
    await page.getByRole('button', { name: 'Summarize' }).click();
    await expect.poll(() => api.requests).toMatchObject([{ sampling: { mode: 'fps', fps: 2 } }]);
  });

  it('sends the options of a deck, and images sorted by name', async () => {
    api.nextJob = deckJob();
    await open();
    await drop(['page-10.png', 'page-9.png']);
    await page.getByText('Options').click();
    await page.getByRole('radio', { name: 'High' }).check();
    await page.getByRole('textbox', { name: /summary focus on/ }).fill('What is compared?');
    await expect.poll(() => page.getByRole('spinbutton').count()).toBe(0);
    await page.getByRole('button', { name: 'Summarize' }).click();
    await page.getByRole('heading', { name: 'Chapters' }).waitFor();
    expect(api.uploads.map((upload) => upload.filename)).toEqual(['page-9.png', 'page-10.png']);
    expect(api.requests).toMatchObject([
      { source: { type: 'images' }, detail: 'high', prompt: 'What is compared?' },
    ]);
  });

  it('accepts a URL and rejects other text', async () => {
    api.nextJob = deckJob();
    await open();
    const address = page.getByRole('textbox', { name: 'or paste a URL' });
    await address.fill('talk.pdf');
    await page.keyboard.press('Enter');
    expect(await page.getByRole('alert').textContent()).toContain('https://');
    await address.fill('https://example.org/talks/rivers.pdf');
    await page.keyboard.press('Enter');
    expect(await page.getByRole('combobox').inputValue()).toBe('deck');
    await page.getByRole('button', { name: 'Summarize' }).click();
    await page.getByRole('heading', { name: 'Chapters' }).waitFor();
    expect(api.requests).toMatchObject([
      { source: { type: 'deck', url: 'https://example.org/talks/rivers.pdf' } },
    ]);
  });

  it('explains why files are rejected, and sends nothing', async () => {
    await open();
    await drop(['talk.odp']);
    expect(await page.getByRole('alert').textContent()).toContain('Save it as PDF');
    await drop(['one.mp4', 'two.mp4']);
    await page.getByText('one video, one slide deck, or several images').waitFor();
    await drop(['one.mp4']);
    await page.getByRole('button', { name: 'Summarize' }).waitFor();
    await drop(['other.pdf']);
    await page.getByText('other.pdf').waitFor();
    expect(api.uploads).toEqual([]);
  });

  it('navigates from a sentence, a chapter and an image to the frame, and highlights the evidence', async () => {
    await openFinishedVideo();
    expect(await shownPicture()).toMatch(/frames\/0\.jpg$/);
    await page.getByRole('link', { name: 'Two slides show results and costs.' }).click();
    expect(await shownPicture()).toMatch(/frames\/4\.jpg$/);
    expect(await timeline().getAttribute('aria-valuenow')).toBe('24');
    await expect.poll(() => page.locator('.lane__segment--evidence').count()).toBe(2);
    const summary = page.getByRole('complementary', { name: 'Summary and chapters' });
    await summary.getByRole('link', { name: /Night drive/ }).click();
    expect(await shownPicture()).toMatch(/frames\/8\.jpg$/);
    await frameRows().nth(11).getByRole('link').click();
    expect(await shownPicture()).toMatch(/frames\/11\.jpg$/);
    expect(new URL(page.url()).hash).toBe(`#/jobs/${VIDEO_ID}/frames/11`);
    await drop(['dropped-by-mistake.mp4']);
    await expect.poll(() => timeline().count()).toBe(1);
    await page.goBack();
    expect(page.url()).toBe('about:blank');
  });

  it('selects the frame visible at the clicked time of the timeline', async () => {
    await openFinishedVideo();
    const box = await timeline().boundingBox();
    const x = ((box?.width ?? 0) * 34) / DURATION;
    await timeline().click({ position: { x, y: 20 } });
    // Frames stand every 6 s: at 34 s the one of 30 s is shown.
    expect(await timeline().getAttribute('aria-valuenow')).toBe('30');
    expect(await shownPicture()).toMatch(/frames\/5\.jpg$/);
  });

  it('plays the local file from the selected frame, and the selection follows', async () => {
    // One numbered frame per second: the visible image shows its time.
    const clip = await makeClip(join(folder, 'numbers.mp4'), { frames: DURATION, rate: '1', args: H264 });
    api.nextJob = finished(videoJob(), videoResult());
    await open();
    await page.getByLabel('Source files').setInputFiles(clip);
    await page.getByRole('button', { name: 'Summarize' }).click();
    await page.getByRole('link', { name: 'Two slides show results and costs.' }).click();
    await page.getByRole('button', { name: 'Play from 0:24' }).click();
    const video = page.locator('video');
    await expect.poll(() => numberOnScreen(video), PATIENCE).toBeGreaterThanOrEqual(24);
    await video.evaluate((element: HTMLVideoElement) => element.pause());
    await page.getByRole('link', { name: 'A yellow car drives through the night.' }).click();
    await expect.poll(() => numberOnScreen(video), PATIENCE).toBe(48);
    await video.evaluate((element: HTMLVideoElement) => {
      element.currentTime = 31.5;
    });
    await expect.poll(() => timeline().getAttribute('aria-valuenow'), PATIENCE).toBe('30');
    expect(await numberOnScreen(video)).toBe(31);
    await page.getByRole('button', { name: 'Show frame' }).click();
    expect(await shownPicture()).toMatch(/frames\/5\.jpg$/);
  });

  it('supports the keyboard on the timeline', async () => {
    await openFinishedVideo();
    await timeline().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await timeline().getAttribute('aria-valuetext')).toBe(
      '0:12: A blue square above a small green star.',
    );
    await page.keyboard.press('ArrowLeft');
    expect(await timeline().getAttribute('aria-valuenow')).toBe('6');
    await page.keyboard.press('End');
    expect(await timeline().getAttribute('aria-valuenow')).toBe('66');
    await page.keyboard.press('Home');
    expect(await shownPicture()).toMatch(/frames\/0\.jpg$/);
    await page.getByRole('button', { name: 'Next frame' }).press('Enter');
    expect(await shownPicture()).toMatch(/frames\/1\.jpg$/);
  });

  it('shows a deck as slides with their text, with keyboard navigation', async () => {
    api.jobs.set(DECK_ID, deckJob());
    await open(`#/jobs/${DECK_ID}`);
    const strip = page.getByRole('listbox', { name: 'Slides' });
    await strip.focus();
    await page.keyboard.press('ArrowRight');
    expect(await strip.getByRole('option', { selected: true }).getAttribute('aria-label')).toContain(
      'Slide 2:',
    );
    await page.getByText('Text on the slide').click();
    await page.getByText('Source: atlas, page 2').waitFor();
    await page.getByRole('link', { name: 'It closes with floods and protection.' }).click();
    expect(await shownPicture()).toMatch(/frames\/4\.jpg$/);
  });

  it('renders a long list of frames in steps, and the timeline completely', async () => {
    const [first] = videoResult().segments;
    if (!first) throw new Error('no segment');
    const frames = Array.from({ length: 700 }, (_, i) => ({
      index: i,
      time: i / 60,
      caption: `Frame number ${i}.`,
      image: `/v1/summaries/${VIDEO_ID}/frames/${i}.jpg`,
    }));
    const result = { ...videoResult(), segments: [{ ...first, frames }] };
    api.jobs.set(VIDEO_ID, finished(videoJob(), result));
    await open(`#/jobs/${VIDEO_ID}/frames/650`);
    expect(await timeline().getAttribute('aria-valuetext')).toBe('0:10.8: Frame number 650.');
    await expect.poll(() => frameRows().count()).toBe(300);
    await page.getByRole('button', { name: 'Show 300 more' }).click();
    await expect.poll(() => frameRows().count()).toBe(600);
  });

  it('skips to the content by keyboard without changing the route', async () => {
    await openFinishedVideo();
    await page.keyboard.press('Tab');
    expect(
      await page
        .getByRole('link', { name: 'Skip to content' })
        .evaluate((link) => link === document.activeElement),
    ).toBe(true);
    await page.keyboard.press('Enter');
    expect(await page.getByRole('main').evaluate((main) => main === document.activeElement)).toBe(true);
    await expect.poll(() => timeline().count()).toBe(1);
  });

  it('shows every frame once after a reload in the middle of a job', async () => {
    api.jobs.set(VIDEO_ID, videoJob());
    api.emit(VIDEO_ID, ...videoEvents().slice(0, BEFORE_SEGMENTS + 3));
    await open(`#/jobs/${VIDEO_ID}`);
    await page.getByText('3 of 6 segments').waitFor();
    await frameRows().nth(2).getByRole('link').click();
    await page.reload();
    await page.getByText('3 of 6 segments').waitFor();
    await expect.poll(() => frameRows().count()).toBe(6);
    expect(await shownPicture()).toMatch(/frames\/2\.jpg$/);
  });

  it('resumes a dropped stream without duplicates', async () => {
    const events = videoEvents();
    api.jobs.set(VIDEO_ID, videoJob());
    api.emit(VIDEO_ID, ...events.slice(0, BEFORE_SEGMENTS + 2));
    await open(`#/jobs/${VIDEO_ID}`);
    await page.getByText('2 of 6 segments').waitFor();
    api.cutStreams();
    // A cut stream is a network error to the browser, and it says so by itself.
    await expect.poll(() => api.resumedAfter.length, PATIENCE).toBe(2);
    complaints = complaints.filter((text) => !text.includes('net::ERR_'));
    api.emit(VIDEO_ID, ...events.slice(BEFORE_SEGMENTS + 2, BEFORE_SEGMENTS + 4));
    await page.getByText('4 of 6 segments').waitFor();
    expect(api.resumedAfter).toEqual([-1, BEFORE_SEGMENTS + 1]);
    await expect.poll(() => frameRows().count()).toBe(8);
  });

  it('shows a failure with a hint', async () => {
    api.jobs.set(VIDEO_ID, failed(videoJob()));
    api.emit(VIDEO_ID, ...videoEvents().slice(0, 2));
    await open(`#/jobs/${VIDEO_ID}`);
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toContain('The video ends in the middle of a frame at 0:14.');
    expect(await alert.textContent()).toContain('Check that the upload or recording was complete.');
    await alert.getByRole('link', { name: 'Choose another source' }).click();
    await page.getByRole('heading', { name: 'Summarize a video or slide deck' }).waitFor();
    await expect.poll(() => page.getByRole('link', { name: /team-meeting\.mp4.*Failed/ }).count()).toBe(1);
  });

  it('follows a running job in eight tabs at once, over the six connections of a browser', async () => {
    api.jobs.set(VIDEO_ID, videoJob());
    api.emit(VIDEO_ID, ...videoEvents().slice(0, BEFORE_SEGMENTS + 1));
    const tabs = [page, ...(await Promise.all(Array.from({ length: 7 }, () => context.newPage())))];
    for (const tab of tabs) await tab.goto(`${api.url}/#/jobs/${VIDEO_ID}`);
    for (const tab of tabs) await tab.getByText('1 of 6 segments').waitFor();
    api.emit(VIDEO_ID, ...videoEvents().slice(BEFORE_SEGMENTS + 1, BEFORE_SEGMENTS + 3));
    for (const tab of tabs) await tab.getByText('3 of 6 segments').waitFor();
    api.jobs.set(VIDEO_ID, finished(videoJob(), videoResult()));
    api.emit(VIDEO_ID, ...videoEvents().slice(BEFORE_SEGMENTS + 3));
    for (const tab of tabs) await tab.getByRole('heading', { name: videoResult().title }).waitFor();
  });

  it('cancels a job and shows the status', async () => {
    api.jobs.set(VIDEO_ID, videoJob());
    api.emit(VIDEO_ID, ...videoEvents().slice(0, BEFORE_SEGMENTS + 1));
    await open(`#/jobs/${VIDEO_ID}`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled', { exact: true }).waitFor();
    await expect.poll(() => frameRows().count()).toBe(2);
    await expect.poll(() => page.getByRole('button', { name: 'Cancel' }).count()).toBe(0);
  });

  it('retries a job with gaps, and shows its frames meanwhile', async () => {
    const gaps = [{ segment: 3, start_time: 36, end_time: 48, reason: 'timeout', attempts: 1 }];
    api.jobs.set(VIDEO_ID, {
      ...finished(videoJob(), { ...videoResult(), gaps }),
      status: 'completed_with_gaps',
    });
    await open(`#/jobs/${VIDEO_ID}`);
    await page.getByRole('button', { name: 'Retry gaps' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Retry gaps' }).count()).toBe(0);
    await expect.poll(() => page.getByText('Two slides show results and costs.').count()).toBe(1);
    await expect.poll(() => api.resumedAfter.length, PATIENCE).toBe(1);
    api.jobs.set(VIDEO_ID, finished(videoJob(), videoResult()));
    api.emit(VIDEO_ID, ...videoEvents());
    await expect.poll(() => page.getByText('could not be described').count(), PATIENCE).toBe(0);
    await expect.poll(() => page.getByRole('button', { name: 'Copy Markdown' }).count(), PATIENCE).toBe(1);
  });

  it('copies Markdown and downloads JSON', async () => {
    await openFinishedVideo();
    await page.getByRole('button', { name: 'Copy Markdown' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(formatMarkdown(videoResult()));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download JSON' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('team-meeting.summary.json');
    expect(JSON.parse(await readFile(await download.path(), 'utf8'))).toEqual(videoResult());
  });

  it.each([360, 1024])('never scrolls sideways at %d px', async (width) => {
    await page.setViewportSize({ width, height: 780 });
    api.jobs.set(
      VIDEO_ID,
      finished(videoJob({ metadata: { filename: `${'long'.repeat(40)}.mp4` } }), videoResult()),
    );
    api.jobs.set(DECK_ID, deckJob());
    for (const hash of ['', `#/jobs/${VIDEO_ID}`, `#/jobs/${DECK_ID}`]) {
      await open(hash);
      await page.getByRole('heading', { name: hash === '' ? 'Recent summaries' : 'Chapters' }).waitFor();
      await page
        .getByRole('img')
        .first()
        .or(page.getByRole('link', { name: /rivers/ }))
        .first()
        .waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
  });

  it('shows a form for the API key if the server requires one', async () => {
    api.refusal = 'unauthorized';
    await open();
    await page.getByRole('textbox', { name: 'API key' }).fill('secret');
    api.refusal = undefined;
    api.jobs.set(VIDEO_ID, finished(videoJob(), videoResult()));
    await page.getByRole('button', { name: 'Use key' }).click();
    await page.getByRole('link', { name: /team-meeting/ }).click();
    await timeline().waitFor();
    // An <img> cannot send the key, so the image is fetched and displayed from memory.
    await expect.poll(shownPicture, PATIENCE).toMatch(/^blob:/);
    expect(api.keys).toContain('Bearer secret');
    complaints = complaints.filter((text) => !text.includes('401'));
  });

  it('reports a job that does not exist', async () => {
    await open(`#/jobs/${VIDEO_ID}`);
    expect(await page.getByRole('alert').textContent()).toContain('The resource does not exist.');
    complaints = complaints.filter((text) => !text.includes('404'));
  });
});

/** Reads the number in the image that a video displays. */
async function numberOnScreen(video: Locator): Promise<number> {
  const { width, height, data } = await video.evaluate((element: HTMLVideoElement) => {
    const canvas = document.createElement('canvas');
    canvas.width = element.videoWidth;
    canvas.height = element.videoHeight;
    const context = canvas.getContext('2d');
    if (!context || canvas.width === 0) return { width: 0, height: 0, data: [] };
    context.drawImage(element, 0, 0);
    const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
    return { width: canvas.width, height: canvas.height, data: [...rgba].filter((_, i) => i % 4 !== 3) };
  });
  return readNumber({ width, height, data: Buffer.from(data) });
}
