/** A job whose GPU worker calls an endpoint instead of a local model. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Job } from '../../schema/job.ts';
import { runServeModel } from '../cli/run-serve-model.ts';
import { makeDeck } from '../world/deck.ts';
import { follow, startSystem } from './system.ts';

async function summarize(deck: string, env: Readonly<Record<string, string>>): Promise<Job> {
  await using system = await startSystem(env);
  const { id } = await system.client.createSummary(
    { source: { type: 'deck', file_id: await system.upload(deck) } },
    { idempotencyKey: 'the same in every home, so that the job has the same id' },
  );
  return (await follow(system, id)).job;
}

it('a job with an endpoint has the same result bytes as one with a local model', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-endpoint-'));
  try {
    const deck = join(folder, 'deck.pdf');
    await makeDeck(deck, { seed: 17, pages: 3 });
    const local = await summarize(deck, {});
    await using served = await runServeModel({ FRAMELOOM_HOME: join(folder, 'endpoint') });
    const remote = await summarize(deck, { FRAMELOOM_MODEL_URL: served.url });
    expect(local.status).toBe('completed');
    expect(remote.result).toEqual(local.result);
    expect(remote.result_sha256).toBe(local.result_sha256);
    expect(remote.ledger?.runtime).toBe('openai-compatible endpoint tiny-phi3v');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
