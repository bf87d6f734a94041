/** Reads presentations (PPTX) in a thread, within limits of time and memory for the whole file. */
import { runInThread } from '../threads/index.ts';
import type { PptxSlide, PptxText } from './pptx.ts';
import type { PptxWork } from './pptx-thread.ts';

/** Time for a presentation of any number of slides. A thousand slides take about two seconds. */
const READ_LIMIT_MS = 60_000;
/** Time for the copy, which contains all images. */
const COPY_LIMIT_MS = 300_000;
const MEMORY_MIB = 1536;

/**
 * Reads the text of the presentation at `path`: see `PptxText`.
 *
 * @throws FrameloomError `unsupported_media` (not a presentation, or XML with a document type),
 *   `encrypted_media`, `media_truncated`, `no_pages`, `media_too_large` above `maxPages` or a limit that the
 *   message names; or the reason of the signal
 */
export async function readPptx(path: string, maxPages: number, signal?: AbortSignal): Promise<PptxText> {
  const limits = { timeLimitMs: READ_LIMIT_MS, signal };
  return (await inThread({ kind: 'read', path, maxPages }, limits)) as PptxText; // what the thread returns for `read`
}

/**
 * Writes the sanitized copy of the presentation at `path` that LibreOffice opens.
 *
 * @throws FrameloomError as `readPptx`
 */
export async function copyPptxTo(
  copy: string,
  path: string,
  slides: readonly PptxSlide[],
  signal?: AbortSignal,
): Promise<void> {
  await inThread({ kind: 'copy', path, slides, copy }, { timeLimitMs: COPY_LIMIT_MS, signal });
}

function inThread(
  work: PptxWork,
  limits: { readonly timeLimitMs: number; readonly signal: AbortSignal | undefined },
): Promise<unknown> {
  const common = { subject: 'The presentation', memoryMiB: MEMORY_MIB };
  return runInThread('./pptx-thread', import.meta.url, work, { ...common, ...limits });
}
