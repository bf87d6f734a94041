/**
 * Renders presentations with LibreOffice, in a separate process group, profile and folder and within a time
 * limit.
 */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FrameloomError } from '../../core/errors.ts';
import { runProgram } from '../exec/index.ts';
import type { PptxSlide } from './pptx.ts';
import { copyPptxTo } from './read-pptx.ts';

/** An installation of LibreOffice that was started successfully. */
export interface LibreOffice {
  readonly path: string;
  readonly version: string;
  /**
   * PATH of its process, the only variable that it inherits: the environment of this process may contain
   * keys.
   */
  readonly searchPath: string;
}

/**
 * Wall-clock limit: a base for starting with a new profile, which takes 3 to 10 s, an amount per slide, and a
 * maximum.
 */
const TIME_LIMIT_MS = { base: 120_000, perSlide: 3_000, most: 1_500_000 } as const;
const VERSION_TIME_LIMIT_MS = 60_000;
/** Bytes of output that are read. */
const MAX_OUTPUT_BYTES = 65_536;

/** Disables macros and everything that a document would load from outside. */
const SECURITY_SETTINGS = [
  ['Security/Scripting', 'DisableMacrosExecution', 'true'],
  ['Security/Scripting', 'MacroSecurityLevel', '3'],
  ['Security/Scripting', 'BlockUntrustedRefererLinks', 'true'],
  ['Security/Scripting', 'DisableActiveContent', 'true'],
] as const;

/**
 * Finds LibreOffice at the path of the settings, else on PATH. Returns undefined where there is none.
 *
 * @throws FrameloomError `unavailable` where the program that the settings name does not run
 */
export async function findLibreOffice(settings: {
  readonly soffice?: string | undefined;
  readonly searchPath: string;
}): Promise<LibreOffice | undefined> {
  for (const path of settings.soffice === undefined ? ['soffice', 'libreoffice'] : [settings.soffice]) {
    const env = { PATH: settings.searchPath };
    const limits = { timeLimitMs: VERSION_TIME_LIMIT_MS, maxBytes: MAX_OUTPUT_BYTES } as const;
    const { stdout } = await runProgram(path, ['--version'], { ...limits, keep: 'all', env }).catch(() => ({
      stdout: '',
    }));
    const version = /^LibreOffice\S* (\S+)/.exec(stdout)?.[1];
    if (version !== undefined) return { path, version, searchPath: settings.searchPath };
  }
  if (settings.soffice === undefined) return undefined;
  throw new FrameloomError('unavailable', 'LibreOffice does not run. Check SOFFICE_PATH.');
}

export interface RenderRequest {
  readonly path: string;
  /** The slides as `readPptx` returns them. */
  readonly slides: readonly PptxSlide[];
  /** Folder for temporary files. */
  readonly scratch: string;
  readonly signal?: AbortSignal | undefined;
  /** Wall-clock limit of LibreOffice. Default: by the number of slides. */
  readonly timeLimitMs?: number;
}

/**
 * Renders every slide of a PPTX as a page of a PDF and calls `use` with the path of the PDF, which is valid
 * only during the call. All files are below `scratch` and are removed in any case.
 *
 * @throws FrameloomError `renderer_failed` where LibreOffice fails or takes too long, `unsupported_media`,
 *   `media_truncated`; or the reason of the signal
 */
export async function withRenderedPptx<T>(
  office: LibreOffice,
  request: RenderRequest,
  use: (pdf: string) => Promise<T>,
): Promise<T> {
  const { path, slides, scratch, signal } = request;
  const folder = await mkdtemp(join(scratch, 'office-'));
  try {
    await copyPptxTo(join(folder, COPY), path, slides, signal);
    await writeProfile(join(folder, 'profile'));
    const limit = Math.min(TIME_LIMIT_MS.base + TIME_LIMIT_MS.perSlide * slides.length, TIME_LIMIT_MS.most);
    await convertToPdf(office, folder, request.timeLimitMs ?? limit, signal);
    const pdf = join(folder, 'deck.pdf');
    if (!(await stat(pdf).catch(() => undefined))) throw failed('LibreOffice rendered no slides.');
    return await use(pdf);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Name of the sanitized copy in the folder. */
const COPY = 'deck.pptx';

async function convertToPdf(
  office: LibreOffice,
  folder: string,
  timeLimitMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const args = [
    ...['--headless', '--norestore', '--nologo', '--nodefault', '--nolockcheck'],
    `-env:UserInstallation=${pathToFileURL(join(folder, 'profile')).href}`,
    ...['--convert-to', 'pdf:impress_pdf_Export', '--outdir', folder, join(folder, COPY)],
  ];
  const exit = await runProgram(office.path, args, {
    signal,
    timeLimitMs,
    maxBytes: MAX_OUTPUT_BYTES,
    keep: 'tail',
    env: { PATH: office.searchPath, HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8', SAL_USE_VCLPLUGIN: 'svp' },
  });
  if (exit.stopped === 'abort') throw signal?.reason;
  if (exit.stopped === 'time_limit') throw failed('LibreOffice took too long to render the slides.');
  if (exit.code !== 0)
    throw failed('LibreOffice could not render the slides.', new Error(exit.stderr.trim()));
}

async function writeProfile(profile: string): Promise<void> {
  await mkdir(join(profile, 'user'), { recursive: true });
  const items = SECURITY_SETTINGS.map(
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
