/**
 * Text of the author of a source: the titles and languages of tracks, the title of a deck. It stays out of
 * histories, as an artifact of the job.
 */
import type { SourceInfo, SourceTrack } from '../../schema/source.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { sourceTextsName } from '../../store/names.ts';
import { findJson, putJson } from './artifacts.ts';

interface SourceTexts {
  /** Of a deck. */
  readonly title?: string;
  /** By the number of the stream. */
  readonly tracks?: Readonly<Record<string, Pick<SourceTrack, 'title' | 'language'>>>;
}

/** Stores the texts of a source, and returns the source without them. Throws StoreError. */
export async function detachTexts<T extends SourceInfo>(
  store: ArtifactStore,
  jobId: string,
  source: T,
): Promise<T> {
  const { texts, rest } = split(source);
  if (!texts) return source;
  await putJson(store, sourceTextsName(jobId, source.sha256), texts);
  return rest;
}

/** Adds the texts to a source. Throws StoreError. */
export async function attachTexts<T extends SourceInfo>(
  store: ArtifactStore,
  jobId: string,
  source: T,
): Promise<T> {
  if (source.type === 'images') return source;
  const texts = await findJson<SourceTexts>(store, sourceTextsName(jobId, source.sha256));
  if (!texts) return source;
  if (source.type === 'deck') return { ...source, ...texts };
  return {
    ...source,
    tracks: source.tracks.map((track) => ({ ...track, ...texts.tracks?.[track.index] })),
  };
}

function split<T extends SourceInfo>(source: T): { readonly texts?: SourceTexts; readonly rest: T } {
  if (source.type === 'images') return { rest: source };
  if (source.type === 'deck') {
    const { title, ...rest } = source;
    return title === undefined ? { rest: source } : { texts: { title }, rest: rest as T }; // title is optional
  }
  const texts = source.tracks.flatMap(({ index, title, language }) =>
    title === undefined && language === undefined
      ? []
      : [
          [
            index,
            { ...(title === undefined ? {} : { title }), ...(language === undefined ? {} : { language }) },
          ] as const,
        ],
  );
  if (texts.length === 0) return { rest: source };
  const tracks = source.tracks.map(({ title: _, language: __, ...track }) => track);
  return { texts: { tracks: Object.fromEntries(texts) }, rest: { ...source, tracks } };
}
