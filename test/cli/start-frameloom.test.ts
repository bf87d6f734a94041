import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { type Frameloom, HomeInUseError, startFrameloom } from '../../cli/embedded/start-frameloom.ts';
import type { FrameloomClient } from '../../client/index.ts';
import { SettingsError } from '../../config/settings.ts';
import { descendants, isAlive } from './processes.ts';
import { cleanEnv } from './run-frameloom.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'frameloom-start-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

/** Waits until none of the processes runs; the test's own time limit bounds it. */
async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await sleep(50);
}

describe.runIf(process.platform === 'linux')('startFrameloom', () => {
  it('returns the address of a ready system and a client, and leaves no process after close', async () => {
    const before = new Set(await descendants(process.pid));
    const messages: string[] = [];
    const frameloom = await startFrameloom({
      home,
      env: cleanEnv(),
      onMessage: (message) => messages.push(message),
    });
    const started = (await descendants(process.pid)).filter((pid) => !before.has(pid));
    try {
      expect(started.length).toBeGreaterThanOrEqual(5);
      expect(messages).toContain('starting the Temporal server');
      const health = await fetch(`${frameloom.url}/healthz`);
      expect(health.status).toBe(200);
      expect(await frameloom.client.listSummaries()).toMatchObject({ data: [] });
      await expect(startFrameloom({ home, env: cleanEnv() })).rejects.toBeInstanceOf(HomeInUseError);
    } finally {
      await frameloom.close();
    }
    await untilGone(started);
    await frameloom.close();
    expect(await readdir(home)).not.toContain('system.json');
  });

  it('leaves no process after a start that is cancelled', async () => {
    const before = new Set(await descendants(process.pid));
    const controller = new AbortController();
    const starting = startFrameloom({
      home,
      env: cleanEnv(),
      signal: controller.signal,
      onMessage: () => controller.abort(new Error('changed my mind')),
    });
    await expect(starting).rejects.toThrow('changed my mind');
    await untilGone((await descendants(process.pid)).filter((pid) => !before.has(pid)));
  });

  it('rejects an unknown setting before anything is started', async () => {
    const env = cleanEnv({ FRAMELOOM_PROT: '1' });
    await expect(startFrameloom({ home, env })).rejects.toBeInstanceOf(SettingsError);
    expect(await readdir(home)).toEqual([]);
  });

  it('returns a system that can be disposed of', () => {
    expectTypeOf(startFrameloom).returns.resolves.toEqualTypeOf<Frameloom>();
    expectTypeOf<Frameloom>().toExtend<AsyncDisposable>();
    expectTypeOf<Frameloom['client']>().toEqualTypeOf<FrameloomClient>();
  });
});
