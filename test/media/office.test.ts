/** Slides drawn by LibreOffice itself, where it is installed. */
import { once } from 'node:events';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  type DeckPage,
  findLibreOffice,
  type LibreOffice,
  openDeck,
  readPptx,
  withRenderedPptx,
} from '../../media/index.ts';
import { makePptx, type PptxSpec } from '../corpus/pptx.ts';
import { LIMITS, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
const searchPath = process.env.PATH ?? '';
const office = await findLibreOffice({ searchPath });
const red = await sharp({ create: { width: 60, height: 40, channels: 3, background: '#ff0000' } })
  .png()
  .toBuffer();

/** Pages of the drawn slides. `program` stands in for LibreOffice. */
async function draw(
  spec: PptxSpec,
  program: LibreOffice,
  timeLimitMs = 120_000,
): Promise<readonly DeckPage[]> {
  const path = await makePptx(join(folder, 'deck.pptx'), spec);
  const { slides } = await readPptx(path, 100);
  return await withRenderedPptx(program, { path, slides, scratch: folder, timeLimitMs }, async (pdf) => {
    using deck = await openDeck(pdf, LIMITS);
    const pages: DeckPage[] = [];
    for (let page = 1; page <= deck.pages; page++) pages.push(await deck.page(page, { maxSide: 480 }));
    return pages;
  });
}

/** Share of pixels that are red. */
function redness({ image: { data } }: DeckPage): number {
  let count = 0;
  for (let at = 0; at < data.length; at += 3) {
    if ((data[at] ?? 0) > 200 && (data[at + 1] ?? 255) < 60 && (data[at + 2] ?? 255) < 60) count += 1;
  }
  return (count * 3) / data.length;
}

const leftovers = async (): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => name.startsWith('office-'));

describe('LibreOffice', () => {
  it('renders every slide on its page: hidden, broken and linked images, an unreadable slide', async ({
    skip,
  }) => {
    if (!office) return skip('LibreOffice is not installed: no soffice on PATH');
    const server = createServer((_request, response) => response.end(red)).listen(0, '127.0.0.1');
    let asked = 0;
    server.on('request', () => {
      asked += 1;
    });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // it listens on TCP
    try {
      const pages = await draw(
        {
          slides: [
            { title: 'Pictured', picture: { alt: 'red', data: red } },
            { title: 'Hidden', hidden: true, picture: { alt: 'red', data: red } },
            { title: 'Broken', picture: { alt: 'gone' } },
            { xml: '<p:sld><p:cSld>' },
            { title: 'Linked', picture: { alt: 'far', url: `http://127.0.0.1:${port}/x.png` } },
          ],
        },
        office,
      );
      expect(pages.map(({ text }) => text)).toEqual(['Pictured', 'Hidden', 'Broken', '', 'Linked']);
      // The picture covers 30 by 40 hundredths of the slide.
      expect(pages.map((page) => Math.round(redness(page) * 10) / 10)).toEqual([0.1, 0.1, 0, 0, 0]);
      expect(pages[0]?.image.width).toBe(480);
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
    expect(await leftovers()).toEqual([]);
  }, 120_000);
});

describe('a renderer', () => {
  /** A program in the place of LibreOffice. */
  async function program(script: string): Promise<LibreOffice> {
    const path = join(folder, `office-program-${Math.random().toString(36).slice(2)}.mjs`);
    await writeFile(path, `#!${process.execPath}\n${script}`, { mode: 0o755 });
    return { path, version: '0', searchPath };
  }
  const spec = { slides: [{ title: 'x' }] };

  it('that takes too long is killed with its children and leaves no files', async () => {
    const note = join(folder, 'child.pid');
    const slow = await program(`
      import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      writeFileSync(${JSON.stringify(note)}, String(child.pid));
      setInterval(() => {}, 1000);`);
    await expect(draw(spec, slow, 3000)).rejects.toMatchObject({ code: 'renderer_failed' });
    const child = Number(await readFile(note, 'utf8'));
    await expect.poll(() => runs(child), { timeout: 10_000 }).toBe(false);
    expect((await leftovers()).filter((name) => !name.includes('program'))).toEqual([]);
  });

  it.each([
    ['fails', 'process.exit(3)'],
    ['draws nothing', ''],
  ])('that %s is reported without paths', async (_what, script) => {
    const error: unknown = await draw(spec, await program(script)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'renderer_failed' });
    expect(String(error)).not.toContain(folder);
  });

  it('inherits only PATH from this process', async () => {
    const note = join(folder, 'environment.json');
    const spy = await program(
      `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(note)}, JSON.stringify(process.env));`,
    );
    await draw(spec, spy).catch(() => undefined);
    const environment = Object.keys(JSON.parse(await readFile(note, 'utf8')) as object); // as just written
    expect(environment.sort()).toEqual(['HOME', 'LANG', 'PATH', 'SAL_USE_VCLPLUGIN', 'TMPDIR']);
  });

  it('is undefined where it is not installed, and an error where the configured program does not run', async () => {
    expect(await findLibreOffice({ searchPath: folder })).toBeUndefined();
    await expect(findLibreOffice({ searchPath, soffice: join(folder, 'nothing') })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});

async function runs(pid: number): Promise<boolean> {
  // A process that has ended and was not waited for yet still has its folder, and no memory.
  const map = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return map !== '' && (await access(`/proc/${pid}`).then(() => true));
}
