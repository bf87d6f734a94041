/** Prepares a deck: counts its slides; renders a PPTX to PDF and extracts its text. */
import { createReadStream } from 'node:fs';
import { digest } from '../../core/canonical-json.ts';
import { type ErrorCode, FrameloomError } from '../../core/errors.ts';
import {
  detectMediaKind,
  type LibreOffice,
  type MediaLimits,
  openDeck,
  type PptxSlide,
  parsePageRanges,
  readPptx,
  withRenderedPptx,
} from '../../media/index.ts';
import type { DeckFiles } from '../../schema/stages.ts';
import type { ArtifactInfo, ArtifactStore } from '../../store/artifact-store.ts';
import { renderedDeckName, slideTextsName } from '../../store/names.ts';
import { isTextless } from '../../summary/transcript.ts';
import { putJson } from './artifacts.ts';

/** Part of the names of slide texts and rendered decks. Increase it when the same deck would give others. */
const VERSION = 1;

export interface DeckDeps {
  readonly store: ArtifactStore;
  readonly limits: MediaLimits;
  readonly scratch: string;
  /** LibreOffice, if it is installed. */
  readonly office: LibreOffice | undefined;
  /** What happens with a PPTX that cannot be rendered: only its text is used, or it is rejected. */
  readonly withoutLibreOffice: 'text' | 'reject';
}

/**
 * The slides of a PPTX, each with its page in the rendered PDF, from 1. `page` is absent for a slide that was
 * not rendered.
 */
export type DeckText = readonly (PptxSlide & { readonly page?: number })[];

export interface DeckRequest {
  /** Artifact of the password. */
  readonly password?: string | undefined;
  /** Pages of a deck that is summarized by itself, such as `1-5`; the deck of a video has none. */
  readonly summarized?: { readonly pages: string | undefined };
  readonly signal: AbortSignal;
}

export interface PreparedDeck {
  readonly files: DeckFiles;
  /** Title in the properties of the document. */
  readonly title?: string;
}

/**
 * Prepares the deck `artifact`.
 *
 * @throws FrameloomError `unsupported_media`, `encrypted_media`, `media_truncated`, `media_too_large`,
 * `no_pages`; `renderer_missing` and `renderer_failed` with `withoutLibreOffice: 'reject'`, and where the
 * summarized slides have no words either
 */
export async function prepareDeck(
  deps: DeckDeps,
  artifact: ArtifactInfo,
  { password, summarized, signal }: DeckRequest,
): Promise<PreparedDeck> {
  const { store, limits } = deps;
  const { name, sha256 } = artifact;
  return store.withFile(name, async (path) => {
    const kind = await detectMediaKind(path);
    if (kind === 'pdf') {
      using document = await openDeck(path, limits, await readPassword(store, password));
      const locked = password === undefined ? {} : { password };
      return { files: { sha256, pages: document.pages, pdf: name, ...locked } };
    }
    if (kind !== 'pptx') {
      const found = kind === 'video' ? 'a video' : 'an image';
      throw new FrameloomError(
        'unsupported_media',
        `The source is ${found}, but the request declares a deck.`,
      );
    }
    const { slides, title } = await readPptx(path, limits.maxPages, signal);
    const rendered = await renderPptx(deps, path, slides, sha256, signal);
    if (rendered.noImagesReason && summarized) {
      const numbers = parsePageRanges(summarized.pages, slides.length);
      rejectWordless(
        numbers.flatMap((number) => slides[number - 1] ?? []),
        rendered.noImagesReason,
      );
    }
    const text = withPages(slides, rendered.pdf !== undefined);
    const stored = await putJson(store, slideTextsName(await digest({ version: VERSION, text })), text);
    const named = title === undefined ? {} : { title };
    return { files: { sha256, pages: slides.length, slideText: stored.name, ...rendered }, ...named };
  });
}

/** Slides without images are described by their words. Throws `reason` where none of them has any. */
function rejectWordless(slides: readonly PptxSlide[], reason: ErrorCode): void {
  if (slides.some((slide) => !isTextless(slide))) return;
  const why = reason === 'renderer_missing' ? 'LibreOffice is not installed' : 'LibreOffice failed';
  throw new FrameloomError(
    reason,
    `The slides contain only images, and PPTX slides cannot be rendered: ${why}. Send the deck as PDF.`,
  );
}

/**
 * Returns the password, or undefined for a deck without one. Throws `encrypted_media` when the password has
 * expired.
 */
export async function readPassword(
  store: ArtifactStore,
  name: string | undefined,
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  if ((await store.head(name)) === undefined) {
    throw new FrameloomError('encrypted_media', 'The password has expired. Send the request again.');
  }
  return new TextDecoder().decode(await store.bytes(name));
}

async function renderPptx(
  deps: DeckDeps,
  path: string,
  slides: readonly PptxSlide[],
  sha256: string,
  signal: AbortSignal,
): Promise<Pick<DeckFiles, 'pdf' | 'noImagesReason'>> {
  const { store, office, scratch, limits } = deps;
  try {
    if (!office)
      throw new FrameloomError(
        'renderer_missing',
        'PPTX slides cannot be rendered: LibreOffice is not installed.',
      );
    const name = renderedDeckName(await digest({ version: VERSION, sha256, office: office.version }));
    if ((await store.head(name)) !== undefined) return { pdf: name };
    await withRenderedPptx(office, { path, slides, scratch, signal }, async (pdf) => {
      using document = await openDeck(pdf, limits);
      const wanted = slides.filter(({ part }) => part !== '').length;
      if (document.pages !== wanted) {
        throw new FrameloomError(
          'renderer_failed',
          `LibreOffice rendered ${document.pages} of ${wanted} slides.`,
        );
      }
      await store.put(name, createReadStream(pdf));
    });
    return { pdf: name };
  } catch (error) {
    const isRendererError =
      error instanceof FrameloomError &&
      (error.code === 'renderer_missing' || error.code === 'renderer_failed');
    if (!isRendererError || deps.withoutLibreOffice === 'reject') throw error;
    return { noImagesReason: error.code };
  }
}

/**
 * Adds page numbers. A slide without a part has no page. A damaged slide is rendered as an empty page, which
 * is not used.
 */
function withPages(slides: readonly PptxSlide[], isRendered: boolean): DeckText {
  let page = 0;
  return slides.map((slide) => {
    if (slide.part !== '') page += 1;
    return isRendered && slide.part !== '' && !slide.damaged ? { ...slide, page } : slide;
  });
}
