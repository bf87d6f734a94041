/** `frameloom frames`: what it writes and what it rejects. */
import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import type { FrameDecision } from '../../schema/source.ts';
import { runFrameloom } from './run-frameloom.ts';

const folder = mkdtempSync(join(tmpdir(), 'frames-test-'));
const SAMPLE = fileURLToPath(new URL('../../samples/sample-video.mp4', import.meta.url));

afterAll(() => rm(folder, { recursive: true, force: true }));

async function decisionsIn(out: string): Promise<FrameDecision[]> {
  const lines = (await readFile(join(out, 'frames.jsonl'), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as FrameDecision); // as docs/media.md states them
}

describe('frameloom frames', () => {
  it('writes the selected frames, every decision and a contact sheet', async () => {
    const out = join(folder, 'picked');
    const { code, stdout, stderr } = await runFrameloom(['frames', SAMPLE, '--out', out, '--end', '0:32']);
    expect({ code, stderr: stderr.includes('frameloom:') }).toEqual({ code: 0, stderr: false });
    const decisions = await decisionsIn(out);
    const kept = decisions.filter((decision) => decision.kept);
    expect(decisions.length).toBe(160); // five a second
    // The drawn shots begin at 0, 10.2, 20, 24.4 and 28 seconds.
    expect(kept.map(({ time }) => Math.floor((time ?? 0) / 4))).toEqual(
      expect.arrayContaining([0, 2, 5, 6, 7]),
    );
    expect(stdout).toMatch(new RegExp(`^${kept.length} frames of 160 kept`));

    const files = await readdir(out);
    expect(files.sort()).toEqual([...kept.map(({ name }) => name), 'contact-sheet.jpg', 'frames.jsonl']);
    const image = await sharp(join(out, kept[0]?.name ?? '')).metadata();
    expect([image.format, image.width, image.height]).toEqual(['jpeg', 1280, 720]);
    const sheet = await sharp(join(out, 'contact-sheet.jpg')).metadata();
    expect(sheet.height).toBe(6 + Math.ceil(kept.length / 6) * (144 + 22));
  });

  it('keeps the frames with the largest changes within --max-frames, and records the dropped ones', async () => {
    const out = join(folder, 'few');
    const { code } = await runFrameloom([
      'frames',
      SAMPLE,
      '--out',
      out,
      '--max-frames',
      '2',
      '--start',
      '9',
      '--end',
      '24',
    ]);
    expect(code).toBe(0);
    const decisions = await decisionsIn(out);
    expect(decisions.filter(({ kept }) => kept)).toHaveLength(2);
    expect(decisions.filter(({ reason }) => reason === 'budget').length).toBeGreaterThan(0);
    expect((await readdir(out)).filter((name) => name.endsWith('.jpg'))).toHaveLength(3);
  });

  it.each([
    ['no folder', [SAMPLE]],
    ['no source', ['--out', join(folder, 'x')]],
    ['an unknown mode', [SAMPLE, '--out', join(folder, 'x'), '--mode', 'best']],
    [
      'a deck',
      [fileURLToPath(new URL('../../samples/sample-deck.pdf', import.meta.url)), '--out', join(folder, 'x')],
    ],
  ])('rejects %s with exit code 2', async (_what, args) => {
    expect((await runFrameloom(['frames', ...args])).code).toBe(2);
  });

  it('does not overwrite files', async () => {
    await writeFile(join(folder, 'mine.txt'), 'mine');
    const { code, stderr } = await runFrameloom(['frames', SAMPLE, '--out', folder]);
    expect(code).toBe(2);
    expect(stderr).toContain('is not empty');
  });

  it('reads a truncated video as far as it goes, names what is missing, and exits with 3', async () => {
    const cut = join(folder, 'cut.mp4');
    await writeFile(cut, (await readFile(SAMPLE)).subarray(0, 40_000));
    const { code, stdout, stderr } = await runFrameloom(['frames', cut, '--out', join(folder, 'cut')]);
    expect(code).toBe(3);
    expect(stdout).toContain('1 frame of 1 kept');
    expect(stderr).toMatch(/The file ends early: 0:00–\d:\d\d could not be read/);
  });

  it('leaves no partial file of a video that cannot be decoded, and exits with 1', async () => {
    const broken = join(folder, 'broken.mp4');
    const bytes = await readFile(SAMPLE);
    await writeFile(broken, bytes.fill(0, bytes.indexOf('mdat') + 4)); // the index is there, the frames are not
    const out = join(folder, 'none');
    const { code, stderr } = await runFrameloom(['frames', broken, '--out', out]);
    expect(code).toBe(1);
    expect(stderr).not.toContain(folder);
    expect(await readdir(out).catch(() => [])).toEqual([]);
  });
});
