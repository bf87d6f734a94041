import { describe, expect, it } from 'vitest';
import { parseCaptions, removeRepeats } from '../../summary/captions.ts';
import { checkEvidence, repairMerge, splitSentences } from '../../summary/evidence.ts';
import { captionPrompt, mergePrompt, titlePrompt } from '../../summary/prompts.ts';

describe('captions in an answer', () => {
  it('belong to the picture whose number they carry', () => {
    expect(parseCaptions('1. A cat.\n2. A dog.\n3. A bird.', 3)).toEqual(['A cat.', 'A dog.', 'A bird.']);
  });
  it('stay empty for a picture that is left out', () => {
    expect(parseCaptions('1. A cat.\n3. A bird.', 3)).toEqual(['A cat.', '', 'A bird.']);
  });
  it('keep their first line when a number comes twice, and ignore numbers that do not exist', () => {
    expect(parseCaptions('1. A cat.\n7. A fish.', 2)[0]).toContain('A cat.');
    expect(parseCaptions('2) A dog.\n1: A cat.', 2)).toEqual(['A cat.', 'A dog.']);
  });
  it('go on over lines without a number', () => {
    expect(parseCaptions('1. A cat\nthat sleeps.\n2. A dog.', 2)).toEqual(['A cat that sleeps.', 'A dog.']);
  });
  it('are not lost when the model gives no numbers at all', () => {
    expect(parseCaptions('A cat and\na dog.', 2)).toEqual(['A cat and a dog.', '']);
  });
  it('collapse when neighbours are equal', () => {
    expect(removeRepeats(['a', 'a', '', 'b', 'a'])).toEqual(['a', 'b', 'a']);
  });
});

describe('sentences', () => {
  it('end at a full stop outside quotation marks', () => {
    expect(
      splitSentences('First, a slide titled "Q3. Revenue" with 3.5 points. Then, a dog!  And no end'),
    ).toEqual(['First, a slide titled "Q3. Revenue" with 3.5 points.', 'Then, a dog!', 'And no end']);
  });
});

describe('evidence', () => {
  const captions = [
    'A red circle on the left, on a blue background.',
    'A slide titled "Sales Report" with a pie chart.',
  ];

  it('is every caption that says the same', () => {
    expect(checkEvidence('First, a red circle on the left, on a blue background.', captions, 1)).toEqual([
      { text: 'First, a red circle on the left, on a blue background.', supporters: [0] },
    ]);
  });
  it('is missing for a sentence that changes one fact, when sentences must be captions', () => {
    const [checked] = checkEvidence('Then, a green circle on the left, on a blue background.', captions, 1);
    expect(checked?.supporters).toEqual([]);
  });
  it('is found for a paraphrase, when a share of the words is enough', () => {
    const [checked] = checkEvidence('The Sales Report is shown as a pie chart.', captions, 0.6);
    expect(checked?.supporters).toEqual([1]);
  });
  it('is missing for an invented sentence', () => {
    const [checked] = checkEvidence('A man walks his dog through Paris.', captions, 0.6);
    expect(checked?.supporters).toEqual([]);
  });
  it('counts a repeated sentence once', () => {
    const text =
      'First, a slide titled "Sales Report" with a pie chart. Finally, a slide titled "Sales Report" with a pie chart.';
    expect(checkEvidence(text, captions, 1)).toHaveLength(1);
  });
});

describe('a merge', () => {
  const lines = ['A cat.', 'A dog.', 'A bird.'];
  it('keeps what its lines support and drops the rest', () => {
    expect(repairMerge('First, a cat. Then, a dragon. Finally, a bird.', lines, 1, false)).toEqual([
      'First, a cat.',
      'Finally, a bird.',
    ]);
  });
  it('gets a line back that it left out, in its place, where every line must be there', () => {
    expect(repairMerge('First, a cat. Finally, a bird.', lines, 1, true)).toEqual([
      'First, a cat.',
      'A dog.',
      'Finally, a bird.',
    ]);
    expect(repairMerge('Throughout, a dog.', lines, 1, true)).toEqual([
      'A cat.',
      'Throughout, a dog.',
      'A bird.',
    ]);
  });
  it('falls back to the lines themselves when nothing of it is supported', () => {
    expect(repairMerge('A dragon.', ['First, a cat. Then, a dog.', 'A bird.'], 1, true)).toEqual([
      'First, a cat.',
      'Then, a dog.',
      'A bird.',
    ]);
  });
  it('of parts represents each part by its leading sentence at least', () => {
    const parts = ['First, a cat. Then, a dog.', 'First, a bird. Then, a fish.'];
    expect(repairMerge('First, a cat. Then, a dog.', parts, 1, true)).toEqual([
      'First, a cat.',
      'Then, a dog.',
      'A bird.',
    ]);
  });
});

describe('prompts', () => {
  it('label each picture with its number and say nothing of times', () => {
    expect(captionPrompt(2, {})).toEqual([
      { text: '1:\n' },
      { image: 0 },
      { text: '\n2:\n' },
      { image: 1 },
      { text: '\nDescribe each image in one line, starting with its number.' },
    ]);
  });
  it('put what a user wants kept in mind into one line before the instruction', () => {
    expect(mergePrompt(['A.', 'B.'], 'captions', { focus: 'the\nprices' })).toEqual([
      {
        text: 'These are captions of consecutive images:\n1. A.\n2. B.\nKeep in mind: the prices\nSummarize them in order, each thing once.',
      },
    ]);
  });
  it('let a user replace the instruction', () => {
    expect(mergePrompt(['A.'], 'parts', { instruction: 'Say it in French.' })).toEqual([
      { text: 'These are summaries of consecutive parts:\n1. A.\nSay it in French.' },
    ]);
  });
  it('keep a caption with line breaks on its own line', () => {
    expect(titlePrompt(['A\n2. B'])).toEqual([
      { text: 'These are captions of consecutive images:\n1. A 2. B\nGive a title of at most six words.' },
    ]);
  });
});
