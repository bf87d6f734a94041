/** Parts of a request that are stored apart from it: passwords and transcripts. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../schema/job.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { jobPrefix, secretName } from '../../store/names.ts';
import { withApp } from './harness.ts';

const PASSWORD = 'correct horse battery staple';
const LOCKED = { source: { type: 'deck', url: 'https://example.com/a.pdf', password: PASSWORD } };
const VIDEO = { type: 'video', url: 'https://example.com/a.mp4' };
const CUES = [{ start: 0, end: 1.5, text: 'Good morning.' }];

const jobOf = async (response: Response): Promise<Job> => (await response.json()) as Job; // the contract says so
const textOf = async (store: ArtifactStore, name: string): Promise<string> =>
  new TextDecoder().decode(await store.bytes(name));

describe('a password', () => {
  it.each([
    ['of a deck', LOCKED],
    [
      "of a video's deck",
      { source: { ...VIDEO, deck: { url: 'https://example.com/a.pdf', password: PASSWORD } } },
    ],
  ])('%s is in no response, memo or log, and in the store only as an artifact of its job', (_what, request) =>
    withApp(async ({ post, app, orchestrator, store, logged }) => {
      const job = await jobOf(await post('/v1/summaries', request));
      const again = await (await app.request(`/v1/summaries/${job.id}`)).text();
      const record = await orchestrator.describe(job.id);
      for (const seen of [JSON.stringify(job), again, JSON.stringify(record), JSON.stringify(logged)]) {
        expect(seen).not.toContain(PASSWORD);
      }
      const { source } = job.request;
      const reference =
        source.type === 'video' ? source.deck?.password : source.type === 'deck' && source.password;
      expect(reference).toMatch(/^secret_[0-9a-f]{64}$/);
      expect(await textOf(store, secretName(job.id, String(reference)))).toBe(PASSWORD);
      const kept: string[] = [];
      for await (const name of store.list('')) {
        if ((await textOf(store, name)).includes(PASSWORD)) kept.push(name);
      }
      expect(kept).toEqual([secretName(job.id, String(reference))]);
    }),
  );

  it('is deleted with its job', () =>
    withApp(async ({ post, app, orchestrator, store }) => {
      const { id } = await jobOf(await post('/v1/summaries', LOCKED));
      orchestrator.close(id, 'failed');
      expect((await app.request(`/v1/summaries/${id}`, { method: 'DELETE' })).status).toBe(204);
      const left: string[] = [];
      for await (const name of store.list(jobPrefix(id))) left.push(name);
      expect(left).toEqual([]);
    }));

  it('distinguishes requests: another password is another request', () =>
    withApp(async ({ post, orchestrator }) => {
      const ids = [];
      for (const password of [PASSWORD, PASSWORD, 'other']) {
        ids.push((await jobOf(await post('/v1/summaries', { source: { ...LOCKED.source, password } }))).id);
      }
      expect([ids[0] === ids[1], ids[1] === ids[2]]).toEqual([true, false]);
      expect(orchestrator.runs).toBe(2);
      const key = { 'Idempotency-Key': 'k' };
      await post('/v1/summaries', LOCKED, key);
      const conflict = await post('/v1/summaries', { source: { ...LOCKED.source, password: 'other' } }, key);
      expect(conflict.status).toBe(409);
    }));

  it('cannot be found from its reference without the key of the store', async () => {
    const references: (string | undefined)[] = [];
    for (let system = 0; system < 2; system++) {
      await withApp(async ({ post }) => {
        const { source } = (await jobOf(await post('/v1/summaries', LOCKED))).request;
        references.push(source.type === 'deck' ? source.password : undefined);
      });
    }
    expect(references[0]).not.toBe(references[1]);
  });
});

describe('a transcript', () => {
  it.each([
    ['of cues', CUES, JSON.stringify(CUES)],
    ['of text', '[00:00] Good morning.', '[00:00] Good morning.'],
  ])('%s becomes an artifact of the job, which the response does not contain', (_what, transcript, content) =>
    withApp(async ({ post, store }) => {
      const response = await post('/v1/summaries', { source: VIDEO, transcript });
      expect(await response.clone().text()).not.toContain('Good morning');
      const { id, request } = await jobOf(response);
      expect(request).toMatchObject({ source: VIDEO });
      expect(await textOf(store, `jobs/${id}/transcript/sent`)).toBe(content);
      expect(JSON.parse(await textOf(store, `requests/${id}.json`))).toMatchObject({ hasTranscript: true });
    }),
  );

  it('is deleted with its job', () =>
    withApp(async ({ post, app, orchestrator, store }) => {
      const { id } = await jobOf(await post('/v1/summaries', { source: VIDEO, transcript: CUES }));
      orchestrator.close(id, 'failed');
      expect((await app.request(`/v1/summaries/${id}`, { method: 'DELETE' })).status).toBe(204);
      for await (const name of store.list(''))
        expect(await textOf(store, name)).not.toContain('Good morning');
    }));

  it('distinguishes requests: another transcript is another request', () =>
    withApp(async ({ post, orchestrator }) => {
      await post('/v1/summaries', { source: VIDEO, transcript: CUES });
      await post('/v1/summaries', { source: VIDEO, transcript: CUES });
      await post('/v1/summaries', { source: VIDEO });
      expect(orchestrator.runs).toBe(2);
    }));

  it.each([
    [
      'beside subtitles',
      { source: { ...VIDEO, subtitles: { url: 'https://example.com/a.srt' } }, transcript: CUES },
    ],
    ['of a deck', { source: { type: 'deck', url: 'https://example.com/a.pdf' }, transcript: CUES }],
    ['of negative times', { source: VIDEO, transcript: [{ start: -1, end: 0, text: 'x' }] }],
    ['that is empty', { source: VIDEO, transcript: [] }],
  ])('%s is rejected', (_what, request) =>
    withApp(async ({ post }) => {
      expect((await post('/v1/summaries', request)).status).toBe(400);
    }),
  );
});

describe('files that belong to a source', () => {
  it.each(['subtitles', 'deck'] as const)('must exist: %s', (part) =>
    withApp(async ({ post }) => {
      const source = { ...VIDEO, [part]: { file_id: `file_${'a'.repeat(26)}` } };
      const response = await post('/v1/summaries', { source });
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({ code: 'source_missing' });
    }),
  );
});
