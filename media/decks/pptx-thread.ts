/** The thread that reads presentations: it parses their XML, and writes the copy that LibreOffice opens. */
import { openZip } from '../archive/index.ts';
import { answerInThread } from '../threads/index.ts';
import { type PptxSlide, type PptxText, parsePptx } from './pptx.ts';
import { copyPptx } from './pptx-copy.ts';

/** What the thread does with the presentation at `path`. */
export type PptxWork =
  | { readonly kind: 'read'; readonly path: string; readonly maxPages: number }
  | {
      readonly kind: 'copy';
      readonly path: string;
      readonly slides: readonly PptxSlide[];
      readonly copy: string;
    };

async function handle(work: PptxWork): Promise<PptxText | undefined> {
  using zip = await openZip(work.path);
  if (work.kind === 'read') return await parsePptx(zip, work.maxPages);
  await copyPptx(zip, work.slides, work.copy);
  return undefined;
}

await answerInThread(handle);
