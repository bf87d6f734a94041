/**
 * What a long deck costs: a PDF of 1,000 pages, or the given number, read by the worker's own activity in a process of its
 * own that is killed in the middle; a second one goes on. Prints pages a second, the most memory of either process, and how many
 * pages were drawn twice.
 */
import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PDFDocument, rgb, StandardFonts } from 'pdf-lib';
import { createFolderStore } from '../store/folder/index.ts';

export async function run([pages = '1000']: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-bench-'));
  try {
    console.log(`machine: ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`);
    const path = join(folder, 'deck.pdf');
    await writeFile(path, await longDeck(Number(pages)));
    const half = Math.floor(Number(pages) / 2);
    const first = await read([folder, path, pages], half);
    const second = await read([folder, path, pages], undefined);
    const store = createFolderStore(join(folder, 'store'));
    let kept = 0;
    for await (const _ of store.list('slides/')) kept += 1;
    const twice = first.drawn + second.drawn - kept;
    console.log('\n| run | pages drawn | seconds | pages/s | peak memory |\n|---|---|---|---|---|');
    for (const [name, { drawn, seconds, peak }] of [
      ['killed half-way', first],
      ['the next process', second],
    ] as const) {
      const speed = (drawn / seconds).toFixed(1);
      console.log(
        `| ${name} | ${drawn} | ${seconds.toFixed(1)} | ${speed} | ${Math.round(peak / 2 ** 20)} MiB |`,
      );
    }
    console.log(`\n${kept} of ${pages} pages are stored; drawn twice: ${twice}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Reading {
  readonly drawn: number;
  readonly seconds: number;
  readonly peak: number;
}

/** Reads the deck in a process that is killed, as by the kernel, after `most` pages. */
async function read(args: readonly string[], most: number | undefined): Promise<Reading> {
  const child = fork(fileURLToPath(new URL('deck-reader.mjs', import.meta.url)), [...args], {
    execArgv: ['--import', import.meta.resolve('tsx')],
  });
  const began = performance.now();
  let drawn = 0;
  let peak = 0;
  child.on('message', () => {
    drawn += 1;
    if (drawn === most) child.kill('SIGKILL');
  });
  const watch = setInterval(() => {
    void memoryOf(child.pid).then((bytes) => {
      peak = Math.max(peak, bytes);
    });
  }, 200);
  await new Promise((resolve) => child.once('close', resolve));
  clearInterval(watch);
  return { drawn, seconds: (performance.now() - began) / 1000, peak };
}

async function memoryOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

/** Pages with a title, lines of text, boxes and curves. */
async function longDeck(pages: number): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  const font = await document.embedFont(StandardFonts.Helvetica);
  for (let index = 0; index < pages; index++) {
    const page = document.addPage([960, 540]);
    page.drawText(`Page ${index + 1}`, { x: 48, y: 460, size: 44, font });
    for (let line = 0; line < 8; line++) {
      page.drawText(`Line ${line} of page ${index + 1} says what there is to say`, {
        x: 60,
        y: 400 - line * 40,
        size: 20,
        font,
      });
    }
    for (let box = 0; box < 12; box++) {
      const colour = rgb(((index * 7 + box * 3) % 10) / 10, box / 12, 0.5);
      page.drawEllipse({ x: 700 + box * 15, y: 80 + box * 30, xScale: 60, yScale: 25, color: colour });
    }
  }
  return document.save();
}
