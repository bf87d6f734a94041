/** Makes a deck ready to be read: counts its slides, and has those of a PPTX drawn and their words taken. */
import { createReadStream } from 'node:fs';
import { digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import {
  detectMediaKind,
  type LibreOffice,
  type MediaLimits,
  openDeck,
  openZip,
  type PptxSlide,
  readPptx,
  withRenderedPptx,
  type ZipPackage,
} from '../../media/index.ts';
import type { DeckFiles } from '../../schema/stages.ts';
import type { ArtifactInfo, ArtifactStore } from '../../store/artifact-store.ts';
import { renderedDeckName, slideTextsName } from '../../store/names.ts';
import { putJson } from './artifacts.ts';

/** Part of the names of words and drawings: raise it when the same deck would give others. */
const VERSION = 1;

export interface DeckDeps {
  readonly store: ArtifactStore;
  readonly limits: MediaLimits;
  readonly scratch: string;
  /** LibreOffice, where there is one. */
  readonly office: LibreOffice | undefined;
  /** What becomes of a PPTX that cannot be drawn. */
  readonly withoutLibreOffice: 'text' | 'reject';
}

/** A slide of a PPTX with its page in the drawn PDF, from 1; undefined where it was not drawn. */
export type DeckWords = readonly (PptxSlide & { readonly page?: number })[];

/**
 * Opens the deck `artifact`, with the password in the artifact `password`. Throws what is wrong with it: `unsupported_media`,
 * `encrypted_media`, `media_truncated`, `media_too_large`, `no_pages`, and by setting `renderer_missing`, `renderer_failed`.
 */
export async function prepareDeck(
  deps: DeckDeps,
  artifact: ArtifactInfo,
  password: string | undefined,
  signal: AbortSignal,
): Promise<DeckFiles> {
  const { store, limits } = deps;
  const { name, sha256 } = artifact;
  return store.withFile(name, async (path) => {
    const kind = await detectMediaKind(path);
    if (kind === 'pdf') {
      using document = await openDeck(path, limits, await readPassword(store, password));
      const locked = password === undefined ? {} : { password };
      return { sha256, pages: document.pages, pdf: name, ...locked };
    }
    if (kind !== 'pptx') {
      const found = kind === 'video' ? 'a video' : 'a picture';
      throw new FrameloomError('unsupported_media', `The source is ${found}, the request says a deck.`);
    }
    using zip = await openZip(path);
    const slides = await readPptx(zip, limits.maxPages);
    const drawn = await draw(deps, zip, slides, sha256, signal);
    const words = withPages(slides, drawn.pdf !== undefined);
    const stored = await putJson(store, slideTextsName(await digest({ version: VERSION, words })), words);
    return { sha256, pages: slides.length, slideText: stored.name, ...drawn };
  });
}

/** The password as it was given; undefined where there is none. Throws `encrypted_media` where it is not kept any more. */
export async function readPassword(
  store: ArtifactStore,
  name: string | undefined,
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  if ((await store.head(name)) === undefined) {
    throw new FrameloomError('encrypted_media', 'The password is not kept any more: send the request again.');
  }
  return new TextDecoder().decode(await store.bytes(name));
}

async function draw(
  deps: DeckDeps,
  zip: ZipPackage,
  slides: readonly PptxSlide[],
  sha256: string,
  signal: AbortSignal,
): Promise<Pick<DeckFiles, 'pdf' | 'noImagesReason'>> {
  const { store, office, scratch, limits } = deps;
  try {
    if (!office)
      throw new FrameloomError(
        'renderer_missing',
        'PPTX slides cannot be drawn: LibreOffice is not installed.',
      );
    const name = renderedDeckName(await digest({ version: VERSION, sha256, office: office.version }));
    if ((await store.head(name)) !== undefined) return { pdf: name };
    await withRenderedPptx(office, { zip, slides, scratch, signal }, async (pdf) => {
      using document = await openDeck(pdf, limits);
      const wanted = slides.filter(({ part }) => part !== '').length;
      if (document.pages !== wanted) {
        throw new FrameloomError(
          'renderer_failed',
          `LibreOffice drew ${document.pages} of ${wanted} slides.`,
        );
      }
      await store.put(name, createReadStream(pdf));
    });
    return { pdf: name };
  } catch (error) {
    const passable =
      error instanceof FrameloomError &&
      (error.code === 'renderer_missing' || error.code === 'renderer_failed');
    if (!passable || deps.withoutLibreOffice === 'reject') throw error;
    return { noImagesReason: error.code };
  }
}

/** Slides without a part of their own are on no page. A damaged one is an empty page: not its picture. */
function withPages(slides: readonly PptxSlide[], drawn: boolean): DeckWords {
  let page = 0;
  return slides.map((slide) => {
    if (slide.part !== '') page += 1;
    return drawn && slide.part !== '' && !slide.damaged ? { ...slide, page } : slide;
  });
}
