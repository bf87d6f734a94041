/** Subtitle files as real tools write them: every word is kept once, at its time, or is counted. */
import { readFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseTranscript } from '../../media/index.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';

/** Cues as `[start, end, text]`, and the counts of what was left out, if any. */
function read(file: string | Uint8Array, encoding?: 'windows-1251'): unknown[] {
  const { cues, skipped } = parseTranscript(typeof file === 'string' ? Buffer.from(file) : file, {
    encoding,
  });
  const left = Object.keys(skipped).length > 0 ? [skipped] : [];
  return [...cues.map(({ start, end, text }) => [start, end, text]), ...left];
}

describe('the files of shared/cases', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it.each([
    [
      'words/w1-teams.vtt',
      [
        [1, 2.48, 'Ann B: Good morning'],
        [7.5, 9.2, 'Carl: Second topic'],
        [13, 15, 'Third topic'],
      ],
    ],
    [
      'words/w3-blank-inside.srt',
      [
        [1, 3, 'upper line lower line'],
        [7, 9, 'next'],
      ],
    ],
    [
      'words/w9-angles.srt',
      [
        [1, 3, 'If x <y and z> 3 use List<String> here'],
        [7, 9, 'No.'],
        [10, 12, 'No.'],
      ],
    ],
    [
      'words/w6-ticks.srt',
      [
        [1, 3, 'first'],
        [7.5, 9, 'second'],
      ],
    ],
    [
      'words/w5-null-end.json',
      [
        [0, 3, 'first'],
        [7, 17, 'second'],
      ],
    ],
    [
      'words/w5-youtube.json',
      [
        [1, 3, 'first'],
        [7, 9, 'second'],
      ],
    ],
    [
      'words/repeated.srt',
      [
        [1, 2, 'No!'],
        [60, 62, 'No!'],
        [65, 66, 'No! Never.'],
      ],
    ],
    [
      'words/parent-begins-at-0.ttml',
      [
        [0, 3, 'First'],
        [3, 6, 'Second'],
      ],
    ],
    ['words/dur-only.ttml', [[0, 5, 'Shown from 0 to 5 s']]],
    [
      'words/one-digit.srt',
      [
        [1, 2, 'One'],
        [5, 6, 'Two'],
        [7.5, 8.5, 'Three'],
      ],
    ],
    ['words/cp1251.srt', [[1, 2, 'Привет, мир! Как дела?']]],
    [
      'media/v7.srt',
      [
        [1, 3, 'early words'],
        [6, 7, 'middle words'],
        [20, 23, 'late words'],
        [35, 37, 'last words'],
      ],
    ],
  ])('%s', async (name, expected) => {
    expect(read(await readFile(casePath(name)))).toEqual(expected);
  });
});

describe('times', () => {
  it.each([
    ['as SubRip has them', '00:01:02,250 --> 01:00:03,005', 62.25, 3603.005],
    ['without leading zeros', '0:1:2,5 --> 1:0:3.04', 62.5, 3603.04],
    ['without hours', '01:02.250 --> 61:03.5', 62.25, 3663.5],
    ['with seven digits of fraction', '00:00:07.2500000 --> 00:00:09.1234567', 7.25, 9.123],
    ['without fractions', '00:00:07 --> 00:00:09', 7, 9],
    ['with a colon before the fraction', '00:00:07:250 --> 00:00:09:500', 7.25, 9.5],
    ['with spaces', ' 00 : 00 : 07 , 250  -->  00:00: 09, 500 ', 7.25, 9.5],
    ['with other arrows', '00:00:07,250 -> 00:00:09,500', 7.25, 9.5],
    ['with a dash and a bracket', '00:00:07,250 –> 00:00:09,500', 7.25, 9.5],
    ['without spaces', '00:00:07,250-->00:00:09,500', 7.25, 9.5],
    ['in full-width punctuation', '00：00：07，250 --> 00：00：09，500', 7.25, 9.5],
    ['after a hundred hours', '100:00:01,000 --> 100:00:02,000', 360_001, 360_002],
    ['in seconds', '7.25 --> 9.5', 7.25, 9.5],
    ['with positions after them', '00:00:07,250 --> 00:00:09,500 X1:10 X2:20 Y1:5 Y2:6', 7.25, 9.5],
  ])('are read %s', (_how, times, start, end) => {
    expect(read(`1\n${times}\nwords\n`)).toEqual([[start, end, 'words']]);
  });

  it('of which the end is missing or precedes the start last until the next cue', () => {
    const file =
      '00:00:01,000 -->\na\n\n00:00:05,000 --> 00:00:02,000\nb\n\n00:00:08,000 --> 00:00:09,000\nc\n';
    expect(read(file)).toEqual([
      [1, 5, 'a'],
      [5, 8, 'b'],
      [8, 9, 'c'],
    ]);
  });

  it('that cannot be read cost their cue, which is counted', () => {
    const file =
      '1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:xx,000 --> 00:00:04,000\nlost\n\n3\n00:00:05,000 --> 00:00:06,000\nb\n';
    expect(read(file)).toEqual([[1, 2, 'a'], [5, 6, 'b'], { no_time: 1 }]);
  });
});

describe('the layout of cues', () => {
  const cue = (number: number, text: string): string =>
    `${number}\n00:00:0${number},000 --> 00:00:0${number},900\n${text}\n`;
  const said = [
    [1, 1.9, 'a'],
    [2, 2.9, 'b'],
    [3, 3.9, 'c'],
  ];

  it.each([
    ['without empty lines between them', `${cue(1, 'a')}${cue(2, 'b')}${cue(3, 'c')}`],
    ['with several empty lines', `\n\n${cue(1, '\na')}\n\n\n${cue(2, 'b')}\n${cue(3, 'c')}\n\n`],
    [
      'with an empty line after each line',
      `${cue(1, 'a')}\n${cue(2, 'b')}\n${cue(3, 'c')}`.replaceAll('\n', '\n\n'),
    ],
    ['without numbers', `${cue(1, 'a')}\n${cue(2, 'b')}\n${cue(3, 'c')}`.replace(/^\d\n/gm, '')],
    ['with wrong numbers', `${cue(1, 'a')}\n${cue(2, 'b')}\n${cue(3, 'c')}`.replace(/^\d\n/gm, '7\n')],
    [
      'with a dot after their numbers',
      `${cue(1, 'a')}\n${cue(2, 'b')}\n${cue(3, 'c')}`.replace(/^(\d)\n/gm, '$1.\n'),
    ],
    ['not in the order of time', `${cue(3, 'c')}\n${cue(1, 'a')}\n${cue(2, 'b')}`],
  ])('may be %s', (_how, file) => {
    expect(read(file)).toEqual(said);
  });

  it.each(['\n', '\r\n', '\r\r\n', '\r'])('may have the line end %j', (end) => {
    expect(read(`${cue(1, 'a')}\n${cue(2, 'b')}\n${cue(3, 'c')}`.replaceAll('\n', end))).toEqual(said);
  });

  it('keeps empty lines and numbers inside of a text', () => {
    const file = `${cue(1, 'The year\n\n1984\n\nwas cold')}\n${cue(2, '42')}\n${cue(3, 'c')}`;
    expect(read(file)).toEqual([
      [1, 1.9, 'The year 1984 was cold'],
      [2, 2.9, '42'],
      [3, 3.9, 'c'],
    ]);
  });

  it('counts cues without words', () => {
    expect(read(`${cue(1, 'a')}\n${cue(2, '')}\n${cue(3, '<i> </i>')}`)).toEqual([
      [1, 1.9, 'a'],
      { no_text: 2 },
    ]);
  });

  it('divides no text where a line looks like an arrow', () => {
    expect(read(cue(1, 'x --> y\nand z'))).toEqual([[1, 1.9, 'x --> y and z']]);
  });
});

describe('markup', () => {
  it.each([
    ['<i>slanted</i> and <font color="#ff0000" size=4>red</font>', 'slanted and red'],
    ['{\\an8}{\\i1}above{\\i0}', 'above'],
    ['a < b, b > c and a <b or b> c', 'a < b, b > c and a <b or b> c'],
    ['vector<int> v; Map<String, List<Key>>', 'vector<int> v; Map<String, List<Key>>'],
    ['the <title> of the page, <h1>', 'the <title> of the page, <h1>'],
    ['a &lt;tag&gt; &amp; &quot;more&quot; &#233;&#xe9;', 'a <tag> & "more" éé'],
    ['{not an override} {y} C:\\New', '{not an override} {y} C:\\New'],
    ['{\\an8}from\\NASS\\hfiles', 'from ASS files'],
    ['one<br>two<br/>three', 'one two three'],
  ])('%s', (text, expected) => {
    expect(read(`1\n00:00:01,000 --> 00:00:02,000\n${text}\n`)).toEqual([[1, 2, expected]]);
  });
});

describe('WebVTT', () => {
  it('has notes, styles, regions and names of cues, which are not text', () => {
    const file = `WEBVTT - Talk
Kind: captions
Language: en

NOTE
a comment
00:00:00.000 --> 00:00:01.000

STYLE
::cue(b) { color: red }

REGION
id:fred
width:40%

intro - part 1
00:01.000 --> 00:02.000 region:fred align:left
<v.loud Ann>Hi</v> <c.red>there</c> <lang en>friend</lang>

NOTE another

00:03.000 --> 00:04.000
<b.x>no NOTE</b>
NOTE stays inside of a text
`;
    expect(read(file)).toEqual([
      [1, 2, 'Ann: Hi there friend'],
      [3, 4, 'no NOTE NOTE stays inside of a text'],
    ]);
  });

  it('joined from segments of a stream follows the clock of the segments', () => {
    const segment = (ticks: number, text: string): string =>
      `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:${ticks},LOCAL:00:00:00.000\n\n00:01.000 --> 00:02.000\n${text}\n`;
    // 900,000 ticks are ten seconds; the second segment is six seconds later.
    expect(read(`${segment(900_000, 'a')}\n${segment(1_440_000, 'b')}`)).toEqual([
      [1, 2, 'a'],
      [7, 8, 'b'],
    ]);
  });
});

describe('captions that continue', () => {
  /** What YouTube makes of automatic captions: two lines, of which the upper one repeats. */
  const AUTOMATIC = `WEBVTT
Kind: captions
Language: en

00:00:01.000 --> 00:00:03.110 align:start position:0%
 
hello<00:00:01.400><c> and</c><00:00:01.900><c> welcome</c>

00:00:03.110 --> 00:00:03.120 align:start position:0%
hello and welcome
 

00:00:03.120 --> 00:00:05.470 align:start position:0%
hello and welcome
to<00:00:03.500><c> the</c><00:00:04.000><c> show</c>

00:00:05.470 --> 00:00:05.480 align:start position:0%
to the show
 

00:00:05.480 --> 00:00:07.000 align:start position:0%
to the show
no

00:00:07.000 --> 00:00:07.010 align:start position:0%
no
 

00:00:07.010 --> 00:00:09.000 align:start position:0%
no
no
`;

  it('are read once where they roll up, a line said again included', () => {
    expect(read(AUTOMATIC)).toEqual([
      [1, 3.12, 'hello and welcome'],
      [3.12, 5.48, 'to the show'],
      [5.48, 7.01, 'no'],
      [7.01, 9, 'no'],
    ]);
  });

  const file = (...cues: readonly (readonly [number, number, string])[]): string =>
    cues.map(([start, end, text]) => `${start}.0 --> ${end}.0\n${text}\n`).join('\n');

  it.each([
    [
      'three lines that roll',
      [
        [1, 2, 'a\nb'],
        [2, 3, 'a\nb\nc'],
        [3, 4, 'b\nc\nd'],
      ],
      [
        [1, 2, 'a b'],
        [2, 3, 'c'],
        [3, 4, 'd'],
      ],
    ],
    [
      'a line that grows',
      [
        [1, 2, 'so this is'],
        [2, 3, 'so this is the end'],
      ],
      [[1, 3, 'so this is the end']],
    ],
    [
      'the same text twice at once',
      [
        [1, 3, 'both'],
        [1, 3, 'both'],
      ],
      [[1, 3, 'both']],
    ],
  ] as const)('are joined: %s', (_what, cues, expected) => {
    expect(read(file(...cues))).toEqual(expected);
  });

  it.each([
    [
      'a line that is said twice in a row',
      [
        [1, 2, 'No.'],
        [2, 3, 'No.'],
      ],
    ],
    [
      'a line that is said again later',
      [
        [1, 2, 'No.'],
        [5, 6, 'No.'],
        [9, 10, 'No.'],
      ],
    ],
    [
      'a line that begins like the one before',
      [
        [1, 2, 'No'],
        [2, 3, 'No way'],
      ],
    ],
    [
      'speakers who talk at once',
      [
        [1, 3, 'Stop'],
        [2, 4, 'Wait'],
      ],
    ],
  ] as const)('are kept apart: %s', (_what, cues) => {
    expect(read(file(...cues))).toEqual(cues);
  });
});
