/**
 * The titles of the tracks of a video: text of its author, which stays out of histories. They are an artifact
 * of the job.
 */
import type { SourceInfo } from '../../schema/source.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { trackTitlesName } from '../../store/names.ts';
import { findJson, putJson } from './artifacts.ts';

/** Titles by the number of the stream. */
type TrackTitles = Readonly<Record<string, string>>;

/** Stores the titles of the tracks, and returns the source without them. Throws StoreError. */
export async function detachTitles<T extends SourceInfo>(
  store: ArtifactStore,
  jobId: string,
  source: T,
): Promise<T> {
  if (source.type !== 'video') return source;
  const titles: TrackTitles = Object.fromEntries(
    source.tracks.flatMap(({ index, title }) => (title === undefined ? [] : [[index, title]])),
  );
  if (Object.keys(titles).length === 0) return source;
  await putJson(store, trackTitlesName(jobId, source.sha256), titles);
  return { ...source, tracks: source.tracks.map(({ title: _, ...track }) => track) };
}

/** Adds the titles to the tracks of a source. Throws StoreError. */
export async function attachTitles<T extends SourceInfo>(
  store: ArtifactStore,
  jobId: string,
  source: T,
): Promise<T> {
  if (source.type !== 'video') return source;
  const titles = await findJson<TrackTitles>(store, trackTitlesName(jobId, source.sha256));
  if (titles === undefined) return source;
  const tracks = source.tracks.map((track) => {
    const title = titles[track.index];
    return title === undefined ? track : { ...track, title };
  });
  return { ...source, tracks };
}
