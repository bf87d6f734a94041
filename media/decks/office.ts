/** Draws presentations with LibreOffice: in a process group, a profile and a folder of its own, within a time limit. */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FrameloomError } from '../../core/errors.ts';
import type { ZipPackage } from '../archive/index.ts';
import { runProgram } from '../exec/index.ts';
import type { PptxSlide } from './pptx.ts';
import { copyPptx } from './pptx-copy.ts';

/** LibreOffice, found and tried. */
export interface LibreOffice {
  readonly path: string;
  readonly version: string;
  /** PATH of its process: all it inherits. Keys in this process's environment are none of its business. */
  readonly searchPath: string;
}

/** Wall-clock limit in milliseconds: to start with a new profile, and per slide. A measured start takes 3 to 10 s. */
const TIME_LIMIT = { base: 120_000, perSlide: 3_000, most: 1_500_000 } as const;

/** What the profile forbids: macros, and whatever a document would load from elsewhere. */
const FORBIDDEN = [
  ['Security/Scripting', 'DisableMacrosExecution', 'true'],
  ['Security/Scripting', 'MacroSecurityLevel', '3'],
  ['Security/Scripting', 'BlockUntrustedRefererLinks', 'true'],
  ['Security/Scripting', 'DisableActiveContent', 'true'],
] as const;

/**
 * Looks for LibreOffice in the settings, then on PATH; undefined where there is none. Throws `unavailable` where the one that the
 * settings name does not run.
 */
export async function findLibreOffice(settings: {
  readonly soffice?: string | undefined;
  readonly searchPath: string;
}): Promise<LibreOffice | undefined> {
  for (const path of settings.soffice === undefined ? ['soffice', 'libreoffice'] : [settings.soffice]) {
    const env = { PATH: settings.searchPath };
    const options = { timeLimitMs: 60_000, maxBytes: 65_536, keep: 'all', env } as const;
    const { stdout } = await runProgram(path, ['--version'], options).catch(() => ({ stdout: '' }));
    const version = /^LibreOffice\S* (\S+)/.exec(stdout)?.[1];
    if (version !== undefined) return { path, version, searchPath: settings.searchPath };
  }
  if (settings.soffice === undefined) return undefined;
  throw new FrameloomError('unavailable', 'LibreOffice does not run: check SOFFICE_PATH.');
}

/**
 * Draws every slide of a PPTX as a page of a PDF and calls `use` with its path, which it must not keep. Everything is done in a
 * folder below `scratch` that is removed in any case. Throws `renderer_failed` where LibreOffice fails, or takes too long,
 * `unsupported_media`, or the reason of the signal.
 */
export async function withRenderedPptx<T>(
  office: LibreOffice,
  zip: ZipPackage,
  slides: readonly PptxSlide[],
  options: {
    readonly scratch: string;
    readonly signal?: AbortSignal | undefined;
    readonly timeLimitMs?: number;
  },
  use: (pdf: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(options.scratch, 'office-'));
  try {
    const copy = join(folder, 'deck.pptx');
    await copyPptx(zip, slides, copy);
    await writeProfile(join(folder, 'profile'));
    const limit = Math.min(TIME_LIMIT.base + TIME_LIMIT.perSlide * slides.length, TIME_LIMIT.most);
    await convert(office, folder, copy, options.timeLimitMs ?? limit, options.signal);
    const pdf = join(folder, 'deck.pdf');
    if (!(await stat(pdf).catch(() => undefined))) throw failed('LibreOffice drew nothing.');
    return await use(pdf);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function convert(
  office: LibreOffice,
  folder: string,
  copy: string,
  timeLimitMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const args = [
    ...['--headless', '--norestore', '--nologo', '--nodefault', '--nolockcheck'],
    `-env:UserInstallation=${pathToFileURL(join(folder, 'profile')).href}`,
    ...['--convert-to', 'pdf:impress_pdf_Export', '--outdir', folder, copy],
  ];
  const ending = await runProgram(office.path, args, {
    signal,
    timeLimitMs,
    maxBytes: 65_536,
    keep: 'tail',
    env: { PATH: office.searchPath, HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8', SAL_USE_VCLPLUGIN: 'svp' },
  });
  if (ending.stopped === 'abort') throw signal?.reason;
  if (ending.stopped === 'time_limit') throw failed('LibreOffice took too long to draw the slides.');
  if (ending.code !== 0)
    throw failed('LibreOffice could not draw the slides.', new Error(ending.stderr.trim()));
}

async function writeProfile(profile: string): Promise<void> {
  await mkdir(join(profile, 'user'), { recursive: true });
  const items = FORBIDDEN.map(
    ([path, name, value]) =>
      `<item oor:path="/org.openoffice.Office.Common/${path}"><prop oor:name="${name}" oor:op="fuse"><value>${value}</value></prop></item>`,
  );
  await writeFile(
    join(profile, 'user', 'registrymodifications.xcu'),
    `<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">${items.join('')}</oor:items>`,
  );
}

function failed(message: string, cause?: Error): FrameloomError {
  return new FrameloomError('renderer_failed', message, cause && { cause });
}
