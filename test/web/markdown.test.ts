import { describe, expect, it } from 'vitest';
import { formatMarkdown } from '../../web/job/markdown.ts';
import { deckResult, videoResult } from './sample-jobs.ts';

describe('formatMarkdown', () => {
  it('adds the evidence to every sentence', () => {
    expect(formatMarkdown(videoResult())).toContain(
      'Two slides show results and costs. (0:24–0:48)\nA yellow car drives through the night. (0:48–1:00)',
    );
    expect(formatMarkdown(deckResult())).toContain('The deck compares five rivers. (slides 1–4)');
  });

  it('lists chapters and frames with their times', () => {
    const text = formatMarkdown(videoResult());
    expect(text).toContain('### 0:24–0:48 · Results by quarter\n\nA bar chart');
    expect(text).toContain('- **0:54** A yellow car under a white moon.');
    expect(text.match(/^- /gm)).toHaveLength(12);
  });

  it('lists gaps', () => {
    const result = {
      ...videoResult(),
      gaps: [{ segment: 1, start_time: 12, end_time: 24, reason: 'timeout', attempts: 1 }],
    };
    expect(formatMarkdown(result)).toContain('## Gaps\n\n- 0:12–0:24: not described (`timeout`)');
  });

  it.each([
    ['![x](https://evil.example/p.png)', '!\\[x\\](https://evil.example/p.png)'],
    ['<img src=x onerror=alert(1)>', '\\<img src=x onerror=alert(1)\\>'],
    ['# not a heading', '\\# not a heading'],
    ['- not\n- a list', '\\- not - a list'],
    ['1. first', '1\\. first'],
    ['a_b *c* `d`', 'a\\_b \\*c\\* \\`d\\`'],
  ])('escapes markup in text of the model: %s', (caption, written) => {
    const base = videoResult();
    const chapters = base.chapters.map((chapter) => ({ ...chapter, summary: caption }));
    expect(formatMarkdown({ ...base, chapters })).toContain(`\n\n${written}\n\n`);
  });
});
