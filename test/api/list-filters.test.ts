import { describe, expect, it } from 'vitest';
import type { Job } from '../../schema/job.ts';
import { type Harness, withApp } from './harness.ts';

const SOURCES = [
  { type: 'images', urls: ['https://example.com/a.png'] },
  { type: 'deck', url: 'https://example.com/d.pdf' },
  { type: 'video', url: 'https://example.com/v.mp4' },
];

/** Three jobs, created a minute apart, the first at 2026-01-01T00:00:00Z. */
async function threeJobs({ post, clock }: Harness): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, source] of SOURCES.entries()) {
    const response = await post('/v1/summaries', { source, custom_id: `own "id" ${index}` });
    ids.push(((await response.json()) as Job).id);
    await clock.sleep(60_000);
  }
  return ids;
}

describe('the list of summaries', () => {
  it.each([
    ['', [2, 1, 0]],
    ['?type=deck', [1]],
    ['?status=queued', [2, 1, 0]],
    ['?status=completed', []],
    ['?status=queued&type=images', [0]],
    [`?custom_id=${encodeURIComponent('own "id" 2')}`, [2]],
    ['?custom_id=other', []],
    ['?created_after=2026-01-01T00:00:30Z', [2, 1]],
    ['?created_after=2026-01-01T01:00:30%2B01:00', [2, 1]],
    ['?created_after=1767225660', [2]],
    ['?created_before=2026-01-01T00:01:00Z', [0]],
    ['?created_after=1767225600&created_before=1767225720', [1]],
  ])('with the query "%s" has the jobs %j', (query, expected) =>
    withApp(async (harness) => {
      const ids = await threeJobs(harness);
      const page = (await (await harness.app.request(`/v1/summaries${query}`)).json()) as { data: Job[] };
      expect(page.data.map(({ id }) => ids.indexOf(id))).toEqual(expected);
    }),
  );

  it.each([
    ['status=done', 'query.status'],
    ['status=', 'query.status'],
    ['type=audio', 'query.type'],
    ['custom_id=', 'query.custom_id'],
    ['created_after=yesterday', 'query.created_after'],
    ['created_before=2026-13-01T00:00:00Z', 'query.created_before'],
  ])('rejects %s', (query, field) =>
    withApp(async ({ app }) => {
      const response = await app.request(`/v1/summaries?${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ errors: [{ path: field }] });
    }),
  );

  it('tells the orchestrator a digest of the custom id only', () =>
    withApp(async (harness) => {
      const [, , id] = await threeJobs(harness);
      const { records } = await harness.orchestrator.list({ tenant: 'default', limit: 3 });
      expect(records[0]?.id).toBe(id);
      expect(records[0]?.memo).toMatchObject({
        type: 'video',
        customIdKey: expect.stringMatching(/^[0-9a-f]{32}$/),
      });
      expect(JSON.stringify(records)).not.toContain('own');
    }));
});
