/** The formats of subtitles and transcripts besides SubRip and WebVTT, and the encodings of their files. */
import { describe, expect, it } from 'vitest';
import { parseTranscript } from '../../media/index.ts';

/** Cues as `[start, end, text]`, and the counts of what was left out, if any. */
function read(file: string): unknown[] {
  const { cues, skipped } = parseTranscript(Buffer.from(file));
  const left = Object.keys(skipped).length > 0 ? [skipped] : [];
  return [...cues.map(({ start, end, text }) => [start, end, text]), ...left];
}

describe('TTML', () => {
  const XML = 'xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"';
  const body = (content: string, parameters = '') => `<tt ${XML} ${parameters}><body>${content}</body></tt>`;
  const p = (times: string, parameters = '') => read(body(`<div><p ${times}>x</p></div>`, parameters));

  it.each([
    ['hours, minutes and seconds', 'begin="01:02:03.5" end="01:02:04"', '', 3723.5, 3724],
    ['seconds, minutes and hours', 'begin="0.05h" dur="0.5m"', '', 180, 210],
    ['milliseconds', 'begin="1500ms" dur="500ms"', '', 1.5, 2],
    ['numbers without a unit, which are seconds', 'begin="5" end="7.5"', '', 5, 7.5],
    ['minutes and seconds', 'begin="1:05.5" end="2:00"', '', 65.5, 120],
    ['frames of 30 a second by default', 'begin="15f" end="00:00:01:06"', '', 0.5, 1.2],
    ['frames of the given rate', 'begin="10f" end="00:00:01:10"', 'ttp:frameRate="25"', 0.4, 1.4],
    [
      'frames of a multiplied rate',
      'begin="30f" end="60f"',
      'ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001"',
      1.001,
      2.002,
    ],
    ['ticks', 'begin="10000000t" end="25000000t"', 'ttp:tickRate="10000000"', 1, 2.5],
    ['ticks that are frames', 'begin="50t" end="75t"', 'ttp:frameRate="25"', 2, 3],
    // 107,892 frames are shown in 3,600 s less 3.6 ms of drop-frame time code at 30,000 / 1001 a second.
    [
      'time code that drops frames',
      'begin="01:00:00:00" end="01:00:10:00"',
      'ttp:timeBase="smpte" ttp:dropMode="dropNTSC" ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001"',
      3599.996,
      3610.006,
    ],
  ])('has times in %s', (_unit, times, parameters, start, end) => {
    expect(p(times, parameters)).toEqual([[start, end, 'x']]);
  });

  it.each([
    ['times count from the parent', '<div begin="10s"><p begin="1s" end="2s">x</p></div>', [[11, 12, 'x']]],
    ['the parent ends the child', '<div begin="1s" dur="3s"><p begin="1s">x</p></div>', [[2, 4, 'x']]],
    [
      'the earlier of end and duration counts',
      '<div><p begin="1s" end="9s" dur="2s">x</p></div>',
      [[1, 3, 'x']],
    ],
    ['a duration alone begins with the parent', '<div begin="4s"><p dur="2s">x</p></div>', [[4, 6, 'x']]],
    [
      'a sequence begins each where the last one ends',
      '<div timeContainer="seq" begin="1s"><p dur="2s">a</p><p begin="1s" dur="2s">b</p><p dur="1s">c</p></div>',
      [
        [1, 3, 'a'],
        [4, 6, 'b'],
        [6, 7, 'c'],
      ],
    ],
    [
      'a sequence of parts',
      '<div timeContainer="seq"><div><p dur="2s">a</p><p dur="3s">b</p></div><p dur="1s">c</p></div>',
      [
        [0, 2, 'a'],
        [0, 3, 'b'],
        [3, 4, 'c'],
      ],
    ],
    [
      'spans have times of their own',
      '<div><p begin="10s" end="20s">all <span begin="1s" end="2s">one</span><span begin="3s" dur="1s">two</span></p></div>',
      [
        [10, 20, 'all'],
        [11, 12, 'one'],
        [13, 14, 'two'],
      ],
    ],
    [
      'spans without times are text',
      '<div><p begin="1s" end="2s">a <span>b <span>c</span></span>\n   d<br/>e<metadata>no</metadata></p></div>',
      [[1, 2, 'a b c d e']],
    ],
    [
      'text without a time is counted',
      '<div><p>lost</p><p begin="1s" end="2s">x</p><p begin="soon">lost</p></div>',
      [[1, 2, 'x'], { no_time: 2 }],
    ],
  ])('%s', (_rule, content, expected) => {
    expect(read(body(content))).toEqual(expected);
  });

  it('shows a text while its region is shown', () => {
    const regions = '<head><layout><region xml:id="r" begin="2s" end="5s"/></layout></head>';
    const file = `<tt ${XML}>${regions}<body><div><p region="r">x</p><p region="r" begin="4s" end="9s">y</p></div></body></tt>`;
    expect(read(file)).toEqual([
      [2, 5, 'x'],
      [4, 5, 'y'],
    ]);
  });

  it('of EBU counts from the start of the programme', () => {
    const head =
      '<head><metadata><ebuttm:documentStartOfProgramme>10:00:00:00</ebuttm:documentStartOfProgramme></metadata></head>';
    const file = `<tt:tt xmlns:tt="http://www.w3.org/ns/ttml" xmlns:ttp="p" xmlns:ebuttm="e" ttp:timeBase="smpte" ttp:frameRate="25" ttp:dropMode="nonDrop">${head}<tt:body><tt:div><tt:p begin="10:00:02:05" end="10:00:04:00"><tt:span>x</tt:span></tt:p></tt:div></tt:body></tt:tt>`;
    expect(read(file)).toEqual([[2.2, 4, 'x']]);
  });
});

describe('JSON', () => {
  const json = (value: unknown) => read(JSON.stringify(value));

  it.each([
    [
      'whisper.cpp',
      {
        transcription: [
          {
            timestamps: { from: '00:00:01,500', to: '00:00:02,250' },
            offsets: { from: 1500, to: 2250 },
            text: ' a',
          },
          { timestamps: { from: '00:00:03,000', to: '00:00:04,000' }, text: ' b' },
        ],
      },
      [
        [1.5, 2.25, 'a'],
        [3, 4, 'b'],
      ],
    ],
    [
      'Transformers',
      {
        text: 'a b',
        chunks: [
          { timestamp: [0, 2.5], text: ' a' },
          { timestamp: [2.5, null], text: ' b' },
        ],
      },
      [
        [0, 2.5, 'a'],
        [2.5, 12.5, 'b'],
      ],
    ],
    [
      'youtube-transcript',
      [
        { text: 'a', start: 1.25, duration: 2 },
        { text: 'b', start: 7, duration: 0.5 },
      ],
      [
        [1.25, 3.25, 'a'],
        [7, 7.5, 'b'],
      ],
    ],
    [
      'youtube-transcript with milliseconds',
      [
        { text: 'a', offset: 1250, duration: 2000 },
        { text: 'b', offset: 7000, duration: 1500 },
      ],
      [
        [1.25, 3.25, 'a'],
        [7, 8.5, 'b'],
      ],
    ],
    [
      'captions with times as text',
      [{ start: '1.25', dur: '2', text: 'a &amp; b' }],
      [[1.25, 3.25, 'a & b']],
    ],
    [
      'YouTube (json3)',
      {
        events: [
          { tStartMs: 0, dDurationMs: 90, id: 1 },
          { tStartMs: 1250, dDurationMs: 2000, segs: [{ utf8: 'a' }, { utf8: ' b' }] },
          { tStartMs: 3240, aAppend: 1, segs: [{ utf8: '\n' }] },
        ],
      },
      [[1.25, 3.25, 'a b']],
    ],
    [
      'AssemblyAI',
      {
        text: 'a',
        words: [{ text: 'a', start: 1, end: 2 }],
        utterances: [{ speaker: 'A', text: 'a b', start: 250, end: 4000 }],
      },
      [[0.25, 4, 'a b']],
    ],
    [
      'Podcasting 2.0',
      { version: '1.0.0', segments: [{ speaker: 'A', startTime: 0.5, endTime: 2, body: 'a' }] },
      [[0.5, 2, 'a']],
    ],
    ['clock times', [{ start: '00:00:01,5', end: '0:0:2.25', text: 'a' }], [[1.5, 2.25, 'a']]],
    [
      'an end that is null or missing',
      [
        { start: 1, end: null, text: 'a' },
        { start: 4, text: 'b' },
        { start: 9, end: 10, text: 'c' },
      ],
      [
        [1, 4, 'a'],
        [4, 9, 'b'],
        [9, 10, 'c'],
      ],
    ],
    [
      'odd members, which are counted',
      [
        { start: 1, end: 2, text: 'a' },
        { start: null, end: 3, text: 'lost' },
        { start: 4, end: 5, text: null },
        7,
      ],
      [[1, 2, 'a'], { no_time: 2, no_text: 1 }],
    ],
  ])('of %s', (_what, value, expected) => {
    expect(json(value)).toEqual(expected);
  });
});

describe('other formats', () => {
  it.each([
    [
      'SBV',
      '0:00:01.000,0:00:03.500\na\nb\n\n0:00:04.500,0:00:06.000\nc\n',
      [
        [1, 3.5, 'a b'],
        [4.5, 6, 'c'],
      ],
    ],
    [
      'SubViewer',
      '[INFORMATION]\n[TITLE]t\n[SUBTITLE]\n[COLF]&HFFFFFF,[FONT]Arial\n00:00:04.50,00:00:06.00\na[br]b\n',
      [[4.5, 6, 'a b']],
    ],
    [
      'LRC',
      '[ar:Me]\n[offset:+500]\n[00:12.50]a\n[00:15.30][00:45.30]b\n[00:20.00]\n',
      [
        [12, 14.8, 'a'],
        [14.8, 19.5, 'b'],
        [44.8, 54.8, 'b'],
      ],
    ],
    [
      'LRC with the times of words',
      '[00:12.00] <00:12.00> a <00:12.50> b\n[00:15.00] c\n',
      [
        [12, 15, 'a b'],
        [15, 25, 'c'],
      ],
    ],
    [
      'SAMI',
      '<SAMI><BODY><SYNC Start=1000><P Class=EN>a<br>b\n<P Class=FR>non\n<SYNC Start=3000><P Class=EN>&nbsp;\n<SYNC Start="5500"><P Class=EN>c</BODY></SAMI>',
      [
        [1, 3, 'a b'],
        [5.5, 15.5, 'c'],
      ],
    ],
    [
      'MicroDVD with its rate',
      '{1}{1}25\n{25}{50}{y:i}a|b\n{75}{}c\n',
      [
        [1, 2, 'a b'],
        [3, 13, 'c'],
      ],
    ],
    [
      'MPL2',
      '[10][25] /a|b\n[30][] c\n',
      [
        [1, 2.5, 'a b'],
        [3, 13, 'c'],
      ],
    ],
    [
      'TMPlayer',
      '00:00:01:a|b\n00:00:05:c\n',
      [
        [1, 5, 'a b'],
        [5, 15, 'c'],
      ],
    ],
    [
      'SSA',
      '[Events]\nFormat: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: Marked=0,0:00:01.00,0:00:02.50,Default,,0,0,0,,a, b\n',
      [[1, 2.5, 'a, b']],
    ],
    [
      'what Whisper prints',
      '[00:00.000 --> 00:03.500]  a\n[00:03.500 --> 00:05.000]  b\n',
      [
        [0, 3.5, 'a'],
        [3.5, 5, 'b'],
      ],
    ],
    [
      'tables of Whisper',
      'start\tend\ttext\n0\t3500\ta\n3500\t5000\tb\n',
      [
        [0, 3.5, 'a'],
        [3.5, 5, 'b'],
      ],
    ],
    ['CSV of whisper.cpp', 'start,end,text\n0,3500,"a, ""b"""\n', [[0, 3.5, 'a, "b"']]],
    [
      'labels of Audacity',
      '0.500000\t2.250000\ta\n3.000000\t4.000000\tb\n',
      [
        [0.5, 2.25, 'a'],
        [3, 4, 'b'],
      ],
    ],
    [
      'lines of JSON',
      '{"start":1,"end":2,"text":"a"}\n{"start":3,"end":4,"text":"b"}\n',
      [
        [1, 2, 'a'],
        [3, 4, 'b'],
      ],
    ],
    [
      'XML of YouTube',
      '<transcript><text start="1.25" dur="2">It&amp;#39;s</text><text start="5">b</text></transcript>',
      [
        [1.25, 3.25, "It's"],
        [5, 15, 'b'],
      ],
    ],
    [
      'timed text of YouTube',
      '<timedtext format="3"><body><p t="1250" d="2000">a<s t="9"> b</s></p><p t="3240" d="10" a="1">\n</p></body></timedtext>',
      [[1.25, 3.25, 'a b']],
    ],
    [
      'paragraphs below a speaker and a time',
      'Ann Lee  0:03\nGood\nmorning.\n\nBob  1:05\nHello.\n',
      [
        [3, 65, 'Ann Lee: Good morning.'],
        [65, 75, 'Bob: Hello.'],
      ],
    ],
    [
      'paragraphs below a time',
      'Weekly meeting\n\n00:00:05\n\nAnn: a\nBob: b\n\n00:05:00\n\nAnn: c\n',
      [[5, 300, 'Ann: a Bob: b'], [300, 310, 'Ann: c'], { no_time: 1 }],
    ],
  ])('%s', (_format, file, expected) => {
    expect(read(file)).toEqual(expected);
  });

  it.each([
    ['MicroDVD', '{25}{50}a\n'],
    ['Scenarist SCC', 'Scenarist_SCC V1.0\n\n00:00:00:00\t9420\n'],
    ['Premiere', '00;00;01;05 - 00;00;03;10\nSpeaker 1\na\n'],
    ['Word', 'PK\u0003\u0004'],
    ['VobSub', '# VobSub index file, v7\n'],
    ['Rev', '{"monologues":[{"speaker":0,"elements":[]}]}'],
    ['Google Speech-to-Text', '{"results":[{"alternatives":[{"transcript":"Hi."}],"resultEndTime":"2s"}]}'],
    ['Deepgram', '{"metadata":{},"results":{"channels":[{"alternatives":[{"transcript":"Hi."}]}]}}'],
    ['Amazon Transcribe', '{"jobName":"a","results":{"transcripts":[{"transcript":"Hi."}]}}'],
    ['HTML', '<!DOCTYPE html><html></html>'],
    ['RTF', '{\\rtf1 a}'],
  ])('%s is rejected by its name', (name, file) => {
    expect(() => read(file)).toThrow(
      expect.objectContaining({ code: 'transcript_unreadable', message: expect.stringContaining(name) }),
    );
  });
});

describe('encodings', () => {
  /** Bytes of the words in the encoding, written by Python. */
  const SAMPLES = [
    [
      'windows-1251',
      'Добрый день, коллеги. Сегодня мы поговорим о новом проекте.',
      'xO7h8PvpIOTl7fwsIOru6+vl4+guINHl4+7k7f8g7Psg7+7j7uLu8OjsIO4g7e7i7uwg7/Du5ery5S4=',
    ],
    [
      'koi8-r',
      'Добрый день, коллеги. Сегодня мы поговорим о новом проекте.',
      '5M/C0tnKIMTFztgsIMvPzMzFx8kuIPPFx8/EztEgzdkg0M/Hz9fP0snNIM8gzs/Xz80g0NLPxcvUxS4=',
    ],
    [
      'ibm866',
      'Добрый день, коллеги. Сегодня мы поговорим о новом проекте.',
      'hK6h4OupIKSlrewsIKquq6ulo6guIJGlo66kre8grOsgr66jrqKu4KisIK4gra6irqwgr+CuparipS4=',
    ],
    [
      'windows-1252',
      'Où est la bibliothèque ? Elle est fermée depuis hier.',
      'T/kgZXN0IGxhIGJpYmxpb3Ro6HF1ZaA/IEVsbGUgZXN0IGZlcm3pZSBkZXB1aXMgaGllci4=',
    ],
    [
      'windows-1252',
      'El niño comió una manzana. ¿Qué tal?',
      'RWwgbmnxbyBjb21p8yB1bmEgbWFuemFuYS4gv1F16SB0YWw/',
    ],
    [
      'windows-1250',
      'Dzień dobry państwu, zaczynamy dzisiejszą lekcję o książkach.',
      'RHppZfEgZG9icnkgcGHxc3R3dSwgemFjenluYW15IGR6aXNpZWpzerkgbGVrY2rqIG8ga3Npub9rYWNoLg==',
    ],
    [
      'windows-1250',
      'Dobrý den, dnes budeme mluvit o nových věcech, které jsme připravili.',
      'RG9icv0gZGVuLCBkbmVzIGJ1ZGVtZSBtbHV2aXQgbyBub3b9Y2ggduxjZWNoLCBrdGVy6SBqc21lIHD4aXByYXZpbGku',
    ],
    [
      'iso-8859-2',
      'Dzień dobry państwu, proszę usiąść i posłuchać, co się dzieje.',
      'RHppZfEgZG9icnkgcGHxc3R3dSwgcHJvc3rqIHVzabG25iBpIHBvc7N1Y2hh5iwgY28gc2nqIGR6aWVqZS4=',
    ],
    ['windows-1253', 'Καλημέρα κόσμε, τι κάνετε σήμερα;', 'yuHr5+zd8eEg6vzz7OUsIPTpIOrc7eX05SDz3uzl8eE7'],
    [
      'windows-1254',
      'Günaydın, nasılsınız? Çok teşekkür ederim, İstanbul güzel şehir',
      'R/xuYXlk/W4sIG5hc/1sc/1u/Xo/IMdvayB0Zf5la2v8ciBlZGVyaW0sIN1zdGFuYnVsIGf8emVsIP5laGly',
    ],
    ['windows-1255', 'שלום עולם, מה שלומך היום?', '+ezl7SDy5eztLCDu5CD57OXu6iDk6eXtPw=='],
    ['windows-1256', 'مرحبا بالعالم، كيف حالك اليوم؟', '49HNyMcgyMfh2sfh46Eg3+3dIM3H4d8gx+Ht5uO/'],
    ['windows-874', 'สวัสดีครับ วันนี้เราจะพูดถึงโครงการใหม่', 'ysfRyrTVpMPRuiDH0bm51engw9Ko0L7ZtLbWp+Kkw6eh0sPjy8Ho'],
    [
      'shift_jis',
      'おはようございます。今日は新しい計画について話します。',
      'gqiCzYLmgqSCsoK0gqKC3IK3gUKNoZP6gs2QVoK1gqKMdonmgsmCwoKigsSYYoK1gtyCt4FC',
    ],
    [
      'euc-jp',
      'おはようございます。今日は新しい計画について話します。',
      'pKqkz6TopKaktKS2pKSk3qS5oaO6o8b8pM+/t6S3pKS317LopMukxKSkpMbPw6S3pN6kuaGj',
    ],
    [
      'iso-2022-jp',
      'おはようございます。今日は新しい計画です。',
      'GyRCJCokTyRoJCYkNCQ2JCQkXiQ5ISM6I0Z8JE8/NyQ3JCQ3VzJoJEckOSEjGyhC',
    ],
    ['gb18030', '大家好，今天我们来谈谈新的项目。', 'tPO80rrDo6y98czsztLDx8C0zLjMuNDCtcTP7sS/oaM='],
    ['big5', '大家好，今天我們來談談新的專案。', 'pGquYaZuoUGktaTRp9qtzKjTvc29zbdzqrqxTa7XoUM='],
    [
      'euc-kr',
      '안녕하세요, 오늘은 새로운 프로젝트에 대해 이야기하겠습니다.',
      'vsiz58fPvLy/5Cwgv8C0w8C6ILv1t86/7iDHwbfOwafGrr+hILTrx9ggwMy+37Hix8+w2r3AtM+02S4=',
    ],
  ] as const;

  it.each(SAMPLES)('%s is detected', (encoding, text, bytes) => {
    const file = Buffer.concat([
      Buffer.from('1\n00:00:01,000 --> 00:00:02,000\n'),
      Buffer.from(bytes, 'base64'),
    ]);
    const parsed = parseTranscript(file);
    expect(parsed.cues.map((cue) => cue.text)).toEqual([text]);
    expect(parsed.encoding).toBe(encoding);
  });

  it.each(['utf8', 'utf16le'] as const)('Unicode is no encoding to report: %s', (form) => {
    const { cues, encoding } = parseTranscript(Buffer.from('[00:01] Привет', form));
    expect([cues[0]?.text, encoding]).toEqual(['Привет', undefined]);
  });

  it('is named where it could be several', () => {
    // Two letters: a Russian word in Windows-1251, a Chinese one in GB 18030.
    const words = Buffer.from([0xc4, 0xe0]);
    const file = Buffer.concat([Buffer.from('1\n00:00:01,000 --> 00:00:02,000\n'), words]);
    expect(() => parseTranscript(file)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('source.subtitles.encoding') }),
    );
    expect(parseTranscript(file, { encoding: 'windows-1251' }).cues[0]?.text).toBe('Да');
  });

  it('UTF-8 with a broken character stays UTF-8', () => {
    const words = Buffer.from(`[00:01] ${'Привет '.repeat(30)}`);
    const { cues } = parseTranscript(Buffer.concat([words, Buffer.from([0xd0])]));
    expect(cues[0]?.text).toMatch(/^Привет Привет/);
  });
});
