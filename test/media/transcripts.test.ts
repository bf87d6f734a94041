/** Existing transcripts: every subtitle format gives the same cues at the same times. */
import { describe, expect, it } from 'vitest';
import { parseTranscript } from '../../media/index.ts';

const words = (text: string) => parseTranscript(Buffer.from(text)).cues;
/** What all of the files below say. */
const SAID = [
  { start: 1, end: 2.5, text: 'Good morning.' },
  { start: 62.25, end: 65, text: 'Anna: Two lines & more' },
];

const SRT = `1
00:00:01,000 --> 00:00:02,500
<i>Good morning.</i>

2
00:01:02,250 --> 00:01:05,000
{\\an8}Anna: Two lines
& more
`;
const VTT = `WEBVTT - a title

NOTE not this

STYLE
::cue { color: red }

00:01.000 --> 00:02.500 align:start position:0%
Good <b>morning</b>.

x
00:01:02.250 --> 00:01:05.000
<v Anna>Two lines
&amp; <00:01:03.000><c>more</c>
`;
const ASS = `[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:01.00,0:00:02.50,Default,{\\b1}Good morning.
Dialogue: 0,0:00:01.00,0:00:02.50,Default,{\\p1}m 0 0 l 9 9{\\p0}
Dialogue: 0,0:01:02.25,0:01:05.00,Default,Anna: Two lines\\N& more
Comment: 0,0:00:09.00,0:00:10.00,Default,not this
`;
const TTML = `<?xml version="1.0"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="4" ttp:tickRate="100">
  <head><metadata><p begin="0s">not this</p></metadata></head>
  <body begin="1s"><div>
    <p begin="0t" end="1500ms">Good <span>morning</span>.</p>
    <p begin="00:01:01:01" dur="2.75s">Anna: Two lines<br/>&amp; more</p>
  </div></body>
</tt>`;
const JSON_CUES = JSON.stringify({ text: '', segments: [{ id: 0, ...SAID[0] }, SAID[1]] });

describe('parseTranscript', () => {
  it.each([
    ['SubRip', SRT],
    [
      'SubRip with line ends of Windows and without empty lines',
      SRT.replaceAll('\n\n', '\n').replaceAll('\n', '\r\n'),
    ],
    ['WebVTT', VTT],
    ['ASS', ASS],
    ['TTML', TTML],
    ['what transcription APIs answer', JSON_CUES],
    ['an array', JSON.stringify(SAID)],
  ])('reads %s', (_what, text) => {
    expect(words(text)).toEqual(SAID);
  });

  it.each([
    ['brackets', '[00:01] Good\nmorning.\n[1:02:03] Bye'],
    ['bare times', '0:01 Good morning.\n1:02:03 - Bye'],
    ['parentheses', '(00:00:01.000) Good morning.\n\n(01:02:03) Bye'],
  ])('reads lines that begin with a time, in %s', (_what, text) => {
    expect(words(text)).toEqual([
      { start: 1, end: 3723, text: 'Good morning.' },
      { start: 3723, end: 3733, text: 'Bye' },
    ]);
  });

  it.each(['utf8', 'utf16le', 'latin1'] as const)('reads %s', (encoding) => {
    const text = `\ufeff${SRT.replace('Good morning', 'Schön')}`;
    const bytes = Buffer.from(encoding === 'latin1' ? text.slice(1) : text, encoding);
    expect(parseTranscript(bytes).cues[0]?.text).toBe('Schön.');
  });

  it('returns once what rolling captions repeat', () => {
    const rolling = `WEBVTT

00:01.000 --> 00:02.000
one

00:02.000 --> 00:03.000
one
two

00:03.000 --> 00:04.000
two
three
`;
    expect(words(rolling).map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  it('keeps text that looks like model markup as plain text', () => {
    const [cue] = words('[00:01] a <|end|> b \u202e\u0007c <system>d</system> 2 < 3');
    expect(cue?.text).toBe('a <|end|> b c <system>d</system> 2 < 3');
  });

  it.each([
    ['nothing', 'empty_source', ''],
    ['text without times', 'transcript_unreadable', 'Dear reader,\nthis is a letter.'],
    ['broken TTML', 'transcript_unreadable', '<tt><body>'],
    ['other JSON', 'transcript_unreadable', '{"a": 1}'],
    ['TTML with entities of its own', 'unsupported_media', `<!DOCTYPE tt [<!ENTITY a "b">]>${TTML}`],
  ])('rejects %s: %s', (_what, code, text) => {
    expect(() => words(text)).toThrow(expect.objectContaining({ code }));
  });
});
