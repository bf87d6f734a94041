/** Chooses the subtitles and the audio of a video by the flags, languages and titles of its tracks. */
import { FrameloomError } from '../../core/errors.ts';
import type { SourceTrack, VideoInfo } from '../../schema/source.ts';

/** Tracks of text; the others are images of text (DVD, Blu-ray, DVB) or need a renderer (teletext). */
const TEXT_CODECS = new Set(['subrip', 'srt', 'ass', 'ssa', 'webvtt', 'mov_text', 'text', 'eia_608']);

type Tracks = Pick<VideoInfo, 'tracks'>;

/** Subtitles in the order in which they are to be tried. */
export interface SubtitleChoice {
  /** Tracks with all that is said. */
  readonly full: readonly SourceTrack[];
  /** Tracks of signs, songs or comments: no substitute for recognized speech. */
  readonly partial: readonly SourceTrack[];
}

/**
 * Ranks the subtitle tracks that can be read as text: those for everybody before those for the hard of
 * hearing, then those in the language of `audio`, then the default one, then in the order of the file. With
 * `wanted`, the choice is that track alone.
 *
 * @throws FrameloomError `no_such_track` where stream `wanted` has no subtitles, `transcript_unreadable`
 *   where they are not text
 */
export function chooseSubtitles(
  { tracks }: Tracks,
  { audio, wanted }: { readonly audio?: SourceTrack | undefined; readonly wanted?: number | undefined } = {},
): SubtitleChoice {
  if (wanted !== undefined) return { full: [wantedSubtitles(tracks, wanted)], partial: [] };
  const readable = tracks.filter(({ type, codec }) => type === 'subtitles' && TEXT_CODECS.has(codec));
  const spoken = languageOf(audio);
  const rank = (track: SourceTrack): number =>
    (isForDeaf(track) ? 4 : 0) +
    (spoken !== undefined && languageOf(track) === spoken ? 0 : 2) +
    (track.default ? 0 : 1);
  const ranked = readable.toSorted((a, b) => rank(a) - rank(b));
  return { full: ranked.filter((track) => !isPartial(track)), partial: ranked.filter(isPartial) };
}

/**
 * Returns the audio track to listen to: the default one, but no commentary and no description for the blind
 * where there is another. Undefined where the video is silent.
 *
 * @throws FrameloomError `no_such_track` where stream `wanted` has no audio
 */
export function chooseAudio({ tracks }: Tracks, wanted?: number): SourceTrack | undefined {
  const audio = tracks.filter(({ type }) => type === 'audio');
  if (wanted !== undefined) {
    const track = audio.find(({ index }) => index === wanted);
    if (!track)
      throw new FrameloomError('no_such_track', `Track ${wanted} of the file is not an audio track.`);
    return track;
  }
  const rank = (track: SourceTrack): number =>
    (isComment(track) ? 4 : 0) + (isForBlind(track) ? 2 : 0) + (track.default ? 0 : 1);
  return audio.toSorted((a, b) => rank(a) - rank(b))[0];
}

function wantedSubtitles(tracks: readonly SourceTrack[], wanted: number): SourceTrack {
  const track = tracks.find(({ index }) => index === wanted);
  if (track?.type !== 'subtitles') {
    throw new FrameloomError('no_such_track', `Track ${wanted} of the file is not a subtitle track.`);
  }
  if (!TEXT_CODECS.has(track.codec)) {
    const what = track.bitmap ? 'images of text' : 'not text';
    throw new FrameloomError(
      'transcript_unreadable',
      `The subtitles of track ${wanted} are ${what} (${track.codec}) and cannot be read. Choose another track, or ` +
        'send a file as source.subtitles.',
    );
  }
  return track;
}

function isPartial(track: SourceTrack): boolean {
  const title = track.title ?? '';
  const isNamedPartial = /\b(?:signs?|songs?|forced|lyrics|karaoke|forzados?|erzwungen)\b|forcé/i.test(title);
  return (
    track.forced === true || isComment(track) || (isNamedPartial && !/\b(?:full|dialog\w*)\b/i.test(title))
  );
}

function isComment({ role, title = '' }: SourceTrack): boolean {
  return role === 'commentary' || /comment|kommentar/i.test(title);
}

function isForDeaf({ role, title = '' }: SourceTrack): boolean {
  return role === 'captions' || /\b(?:sdh|cc|hoh)\b|hearing/i.test(title);
}

function isForBlind({ role, title = '' }: SourceTrack): boolean {
  return role === 'descriptions' || /descri(?:ption|bed|ptive)/i.test(title);
}

/** The language without region, by its shortest code: `eng`, `en` and `en-GB` are one. */
function languageOf(track: SourceTrack | undefined): string | undefined {
  if (track?.language === undefined) return undefined;
  try {
    return new Intl.Locale(track.language.replaceAll('_', '-')).language;
  } catch {
    return undefined;
  }
}
