/** JSON of speech services that give a time to each word. */
import { expect, it } from 'vitest';
import { parseTranscript } from '../../media/index.ts';

function read(value: unknown): unknown[] {
  const { cues, skipped } = parseTranscript(Buffer.from(JSON.stringify(value)));
  return [...cues.map(({ start, end, text }) => [start, end, text]), skipped];
}

const TWO_SENTENCES = [[0, 1.4, 'Good morning.'], [1.5, 2, 'Welcome!'], {}];

it('Amazon Transcribe: words and punctuation are sentences', () => {
  const said = (start: string, end: string, content: string) => ({
    type: 'pronunciation',
    start_time: start,
    end_time: end,
    alternatives: [{ confidence: '0.99', content }, { content: 'x' }],
  });
  const mark = (content: string) => ({ type: 'punctuation', alternatives: [{ confidence: '0.0', content }] });
  const items = [
    ...[said('0.0', '0.6', 'Good'), said('0.7', '1.4', 'morning'), mark('.')],
    ...[said('1.5', '2.0', 'Welcome'), mark('!')],
  ];
  const results = { transcripts: [{ transcript: 'Good morning. Welcome!' }], items };
  expect(read({ jobName: 'a', accountId: '1', status: 'COMPLETED', results })).toEqual(TWO_SENTENCES);
});

it('Deepgram: words with their punctuation are sentences, of each channel', () => {
  const words = [
    { word: 'good', start: 0, end: 0.6, confidence: 0.9, punctuated_word: 'Good' },
    { word: 'morning', start: 0.7, end: 1.4, confidence: 0.9, punctuated_word: 'morning.' },
    { word: 'welcome', start: 1.5, end: 2, confidence: 0.9, punctuated_word: 'Welcome!' },
  ];
  const other = [{ word: 'yes', start: 1, end: 1.2 }];
  const channel = (said: unknown) => ({ alternatives: [{ transcript: '', words: said }] });
  expect(read({ metadata: {}, results: { channels: [channel(words)] } })).toEqual(TWO_SENTENCES);
  expect(read({ results: { channels: [channel(words), channel(other)] } })).toEqual([
    [0, 1.4, 'Good morning.'],
    [1, 1.2, 'yes'],
    [1.5, 2, 'Welcome!'],
    {},
  ]);
});

it('Google: words are sentences, a start of 0 may be left out, and the repetition with speakers is read once', () => {
  const [good, morning, welcome] = [
    { endTime: '0.600s', word: 'Good' },
    { startTime: '0.700s', endTime: '1.400s', word: 'morning.' },
    { startTime: '1.500s', endTime: '2s', word: 'Welcome!' },
  ];
  const result = (...words: readonly unknown[]) => ({ alternatives: [{ transcript: 'x', words }] });
  const results = [result(good, morning), result(welcome)];
  expect(read({ results })).toEqual(TWO_SENTENCES);
  expect(read({ results: [...results, result(good, morning, welcome)] })).toEqual(TWO_SENTENCES);
});

it('Rev: the elements of a speaker are sentences', () => {
  const said = (value: string, ts: number, end_ts: number) => ({ type: 'text', value, ts, end_ts });
  const mark = (value: string) => ({ type: 'punct', value });
  const elements = [said('Good', 0, 0.6), mark(' '), said('morning', 0.7, 1.4), mark('.'), mark(' ')];
  const monologues = [
    { speaker: 0, elements },
    { speaker: 1, elements: [said('Welcome', 1.5, 2), mark('!')] },
  ];
  expect(read({ monologues })).toEqual(TWO_SENTENCES);
});

it('without punctuation, sentences end at a pause of more than a second or at 200 characters', () => {
  const words = Array.from({ length: 50 }, (_, at) => ({ word: 'eightish', start: at, end: at + 0.5 }));
  const late = { word: 'late', start: 60, end: 61 };
  const channels = [{ alternatives: [{ words: [...words, late] }] }];
  // 23 words of 8 letters with their spaces are the first to exceed 200 characters.
  expect(read({ results: { channels } })).toEqual([
    [0, 22.5, Array(23).fill('eightish').join(' ')],
    [23, 45.5, Array(23).fill('eightish').join(' ')],
    [46, 49.5, Array(4).fill('eightish').join(' ')],
    [60, 61, 'late'],
    {},
  ]);
});
