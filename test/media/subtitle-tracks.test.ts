/** Subtitle tracks inside of videos: which one is read, and what its cues say and when. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  chooseAudio,
  chooseSubtitles,
  findMediaTools,
  type PlacedCues,
  probeVideo,
  readSubtitleTrack,
} from '../../media/index.ts';
import type { SourceTrack } from '../../schema/source.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';
import { ffmpeg, H264, LIMITS, makeClip, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const tools = await findMediaTools({});

const SRT = `1
00:00:01,000 --> 00:00:02,500
<i>Good morning.</i>

2
00:01:02,250 --> 00:01:05,000
{\\an8}Anna: Two lines
& more
`;

/** Reads the track that is chosen without a request. */
async function readFirst(path: string): Promise<PlacedCues> {
  const video = await probeVideo(tools, path, LIMITS);
  const [track] = chooseSubtitles(video, { audio: chooseAudio(video) }).full;
  if (!track) throw new Error('the video has no full subtitles');
  return readSubtitleTrack(tools, { path, video, track, ...LIMITS });
}

/** A clip of four seconds with this text as its subtitles, in the format of the file name. */
async function clipWith(
  name: string,
  text: string,
  args: readonly string[] = ['-c:s', 'copy'],
): Promise<string> {
  const side = at(name);
  await writeFile(side, text);
  const path = at(`${name}.mkv`);
  await ffmpeg([
    ...['-f', 'lavfi', '-i', 'color=red:s=64x64:d=4:r=10', '-i', side, '-map', '0', '-map', '1'],
    ...[...H264, ...args, path],
  ]);
  return path;
}

describe('a subtitle track', () => {
  it.each([
    ['mkv', 'subrip', []],
    ['mkv', 'ass', ['-output_ts_offset', '7.5']],
    ['webm', 'webvtt', []],
    ['mp4', 'mov_text', []],
  ] as const)('of a %s (%s) has times from the first shown frame, %j', async (container, codec, offset) => {
    const clip = await makeClip(at(`clip-${codec}.mkv`), { frames: 100, args: [...H264] });
    await writeFile(
      at('side.srt'),
      SRT.replaceAll('00:01:02,250', '00:00:03,250').replaceAll('00:01:05', '00:00:04'),
    );
    const path = at(`track-${codec}.${container}`);
    const video =
      container === 'webm' ? ['-c:v', 'libvpx', '-deadline', 'realtime', '-b:v', '200k'] : ['-c:v', 'copy'];
    await ffmpeg(['-i', clip, '-i', at('side.srt'), ...video, '-c:s', codec, ...offset, path]);
    const info = await probeVideo(tools, path, LIMITS);
    expect(chooseAudio(info)).toBeUndefined();
    expect(Math.round(info.startOffset * 10) / 10).toBe(offset.length > 0 ? 7.5 : 0);
    const { cues } = await readFirst(path);
    expect(cues.map(({ start, text }) => [Math.round(start * 10) / 10, text])).toEqual([
      [1, 'Good morning.'],
      [3.3, 'Anna: Two lines & more'],
    ]);
  });

  it('of ASS gives words only: no drawings, comments, overrides and karaoke', async () => {
    const path = await clipWith(
      'styled.ass',
      `[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.20,0:00:00.40,Default,,0,0,0,,a note to the typesetter
Dialogue: 0,0:00:00.50,0:00:01.00,Default,,0,0,0,,{\\pos(3,4)\\p1}m 0 0 l 9 9{\\p0}Caption, with\\ha comma
Dialogue: 0,0:00:01.50,0:00:02.00,Default,,0,0,0,,{\\p2}m 1 1 b 2 2 3 3
Dialogue: 0,0:00:02.50,0:00:03.00,Default,,0,0,0,,{\\k20}Sing{\\k30} along\\Ntwo lines {not said}
`,
    );
    expect(await readFirst(path)).toEqual({
      cues: [
        { start: 0.5, end: 1, text: 'Caption, with a comma' },
        { start: 2.5, end: 3, text: 'Sing along two lines' },
      ],
      skipped: { no_text: 1 },
    });
  });

  it('keeps angle brackets that are not tags', async () => {
    const path = await clipWith(
      'code.srt',
      '1\n00:00:01,000 --> 00:00:02,000\nA Map<Key> if a <b and c> d\n',
    );
    expect((await readFirst(path)).cues).toEqual([{ start: 1, end: 2, text: 'A Map<Key> if a <b and c> d' }]);
  });

  it('keeps a cue that begins before the first frame, and counts one that ends before it', async () => {
    const words = await clipWith(
      'early.srt',
      '1\n00:00:00,100 --> 00:00:00,600\nlost\n\n2\n00:00:00,700 --> 00:00:02,000\nkept\n',
    );
    const path = at('early.mkv');
    // The picture begins a second into the file.
    await ffmpeg([
      ...['-itsoffset', '1', '-i', words, '-i', words, '-map', '0:v', '-map', '1:s', '-c', 'copy', path],
    ]);
    expect(await readFirst(path)).toEqual({
      cues: [{ start: 0, end: 1, text: 'kept' }],
      skipped: { before_start: 1 },
    });
  });

  it('that is empty has no cues', async () => {
    const path = await clipWith('empty.srt', '1\n00:00:09,000 --> 00:00:09,500\nx\n');
    const cut = at('empty.mkv');
    await ffmpeg(['-t', '2', '-i', path, '-map', '0', '-c', 'copy', cut]);
    expect(await readFirst(cut)).toEqual({ cues: [], skipped: {} });
  });
});

describe('the choice of tracks', () => {
  const subtitles = (index: number, more: Partial<SourceTrack> = {}): SourceTrack => {
    return { index, type: 'subtitles', codec: 'subrip', ...more };
  };
  const audio = (index: number, more: Partial<SourceTrack> = {}): SourceTrack => {
    return { index, type: 'audio', codec: 'aac', ...more };
  };
  const order = (tracks: readonly SourceTrack[]): readonly (readonly number[])[] => {
    const { full, partial } = chooseSubtitles({ tracks }, { audio: chooseAudio({ tracks }) });
    return [full, partial].map((list) => list.map(({ index }) => index));
  };

  it.each([
    [
      'forced signs last, even as the default',
      [subtitles(2, { forced: true, default: true }), subtitles(3)],
      [[3], [2]],
    ],
    ['signs by their title last', [subtitles(2, { title: 'Signs & Songs' }), subtitles(3)], [[3], [2]]],
    [
      'commentary last',
      [subtitles(2, { role: 'commentary' }), subtitles(3), subtitles(4, { title: 'Director comments' })],
      [[3], [2, 4]],
    ],
    [
      'those for the deaf after the others',
      [
        subtitles(2, { role: 'captions', default: true }),
        subtitles(3, { title: 'English SDH' }),
        subtitles(4),
      ],
      [[4, 2, 3], []],
    ],
    [
      'the language that is spoken before the default',
      [
        audio(1, { language: 'ger' }),
        subtitles(2, { language: 'eng', default: true }),
        subtitles(3, { language: 'de' }),
      ],
      [[3, 2], []],
    ],
    [
      'the default one where no language is known',
      [subtitles(2), subtitles(3, { default: true })],
      [[3, 2], []],
    ],
    ['images of text never', [subtitles(2, { codec: 'hdmv_pgs_subtitle', bitmap: true })], [[], []]],
  ] as const)('of subtitles: %s', (_rule, tracks, expected) => {
    expect(order(tracks)).toEqual(expected);
  });

  it.each([
    ['the default one', [audio(1), audio(2, { default: true })], 2],
    ['the first where none is marked', [audio(1), audio(2)], 1],
    ['no commentary', [audio(1, { role: 'commentary', default: true }), audio(2)], 2],
    ['no description for the blind', [audio(1, { title: 'Audio Description' }), audio(2)], 2],
  ] as const)('of audio: %s', (_rule, tracks, expected) => {
    expect(chooseAudio({ tracks })?.index).toBe(expected);
  });

  it('is up to the request, which names a stream', () => {
    const tracks = [audio(1), audio(2), subtitles(3), subtitles(4, { forced: true })];
    expect(chooseAudio({ tracks }, 2)?.index).toBe(2);
    expect(chooseSubtitles({ tracks }, { wanted: 4 })).toEqual({ full: [tracks[3]], partial: [] });
  });

  it.each([
    ['subtitles that do not exist', 9, 'no_such_track'],
    ['audio as subtitles', 1, 'no_such_track'],
    ['subtitles that are images', 2, 'transcript_unreadable'],
  ])('rejects %s', (_what, wanted, code) => {
    const tracks = [audio(1), subtitles(2, { codec: 'dvd_subtitle', bitmap: true })];
    expect(() => chooseSubtitles({ tracks }, { wanted })).toThrow(expect.objectContaining({ code }));
    expect(() => chooseAudio({ tracks }, 2)).toThrow(expect.objectContaining({ code: 'no_such_track' }));
  });
});

describe('the files of shared/cases', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it.each([
    ['subtitle-before-first-frame.mkv', ['Said at once', 'Said later']],
    ['ass-track.mkv', ['Hard space', 'Shown']],
    ['v28-forced-first.mkv', [1, 2, 3, 4, 5].map((number) => `Spoken sentence ${number}`)],
  ])('%s gives all its words and nothing else', async (name, expected) => {
    const { cues } = await readFirst(casePath(`media/${name}`));
    expect(cues.map(({ text }) => text)).toEqual(expected);
  });
});
