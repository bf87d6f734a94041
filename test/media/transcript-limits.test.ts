/** Large and hostile files of subtitles: the event loop stays free, reading can be ended, and limits are named. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readTranscript } from '../../media/index.ts';

const ttml = (body: string): string => `<tt xmlns="http://www.w3.org/ns/ttml"><body>${body}</body></tt>`;

const HOSTILE = [
  ['TTML with a long comment', ttml(`<!--${'- '.repeat(5e5)}--><p begin="1s" end="2s">Said</p>`)],
  ['TTML with many entities', ttml(`<p begin="1s" end="2s">Said</p><x>${'&amp;'.repeat(2e5)}</x>`)],
  ['SubRip with tags that never end', `1\n00:00:01,000 --> 00:00:02,000\nSaid${'\n<font a='.repeat(1e5)}`],
  ['JSON with many texts without a time', `[{"start":1,"end":2,"text":"Said"}${',{"a":1}'.repeat(1e5)}]`],
] as const;

describe('a large file of subtitles', () => {
  it.each(HOSTILE)('leaves the event loop free: %s', async (_what, file) => {
    let turns = 0;
    let isRead = false;
    const reading = readTranscript(Buffer.from(file)).finally(() => {
      isRead = true;
    });
    while (!isRead) {
      turns += 1;
      await setImmediate();
    }
    expect((await reading).cues[0]).toMatchObject({ start: 1, end: 2, text: expect.stringMatching(/^Said/) });
    expect(turns).toBeGreaterThan(100);
  });

  it('is read no further when the work is cancelled', async () => {
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const reading = readTranscript(Buffer.from(HOSTILE[0][1]), { signal: controller.signal });
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });

  it('is rejected for good, with the limit in the message, when it takes too long', async () => {
    const reading = readTranscript(Buffer.from(HOSTILE[0][1]), { timeLimitMs: 1 });
    await expect(reading).rejects.toMatchObject({
      code: 'media_too_large',
      retryable: false,
      message: 'The transcript takes more than 0.001 s to read.',
    });
  });

  it.each([
    ['tags', `1\n00:00:01,000 --> 00:00:02,000\n<font${' a=b'.repeat(4e6)}`],
    ['times', `${'[00:01]'.repeat(1e6)}x`],
  ])('is rejected for good when a line has millions of %s', async (_what, file) => {
    await expect(readTranscript(Buffer.from(file))).rejects.toMatchObject({ code: 'media_too_large' });
  });

  it('is rejected by what it contains, as a small one is', async () => {
    const deep = ttml(`${'<p>'.repeat(20_000)}${'</p>'.repeat(20_000)}`);
    await expect(readTranscript(Buffer.from(deep))).rejects.toMatchObject({
      code: 'media_too_large',
      message: expect.stringContaining('nested deeper than 200'),
    });
    await expect(readTranscript(Buffer.from('No time anywhere. '.repeat(2000)))).rejects.toMatchObject({
      code: 'transcript_unreadable',
    });
  });
});
