import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandEntry, packageRoot } from '../../cli/package-root.ts';
import { descendants, isAlive } from './processes.ts';
import { cleanEnv, runFrameloom } from './run-frameloom.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'frameloom-system-'));
});
afterEach(async () => {
  for (const { pid } of await everyProcess()) process.kill(pid, 'SIGKILL');
  await rm(home, { recursive: true, force: true });
});

interface Running {
  readonly name: string;
  readonly pid: number;
}

/** The processes recorded in the home folder that still run. */
async function everyProcess(): Promise<readonly Running[]> {
  const text = await readFile(join(home, 'system.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const { supervisor, processes } = JSON.parse(text) as { supervisor: Running; processes: Running[] }; // ours
  return [supervisor, ...processes].filter(({ pid }) => isAlive(pid));
}

/** Waits until `condition` holds; the test's own time limit bounds it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(100);
}

async function startSystem(settings: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [...commandEntry(), 'start'], {
    env: cleanEnv({ FRAMELOOM_HOME: home, FRAMELOOM_PORT: '0', ...settings }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit').then(([code]) => code as number | null); // Node's signature of the event
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /ready: (http:\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    exit.then((code) => reject(new Error(`it ended with code ${code}`)), reject);
  });
  return { child, url, exit, pid: child.pid ?? 0 };
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

describe.runIf(process.platform === 'linux')('frameloom start', () => {
  it('restarts killed processes, and leaves no process when it is interrupted', async () => {
    const { child, url, exit, pid } = await startSystem();
    await until(() => isReady(url));
    const console = await fetch(url);
    expect(console.headers.get('content-type')).toContain('text/html');

    // A second system is rejected, and a command finds this one.
    const second = await runFrameloom(['start'], { FRAMELOOM_HOME: home });
    expect(second.stderr).toContain(`already running at ${url}`);
    expect(second.code).toBe(1);
    const jobs = await runFrameloom(['jobs', 'list', '--json'], { FRAMELOOM_HOME: home });
    expect(jobs).toMatchObject({ code: 0, stdout: '[]\n' });

    const before = await everyProcess();
    expect(before.map(({ name }) => name).sort()).toEqual([
      'API',
      'CPU worker',
      'GPU worker',
      'Temporal server',
      'decode worker',
      'supervisor',
    ]);
    for (const name of ['API', 'Temporal server']) {
      const victim = before.find((running) => running.name === name)?.pid ?? 0;
      process.kill(victim, 'SIGKILL');
      await until(async () =>
        (await everyProcess()).some((running) => running.name === name && running.pid !== victim),
      );
      // At the same address as before: clients and workers use it.
      await until(() => isReady(url));
    }

    const all = await descendants(pid);
    expect(all.length).toBeGreaterThanOrEqual(7);
    child.kill('SIGINT');
    expect(await exit).toBe(0);
    // Killed processes end in their own time; the test's limit bounds it.
    await until(() => !all.some(isAlive));
    expect(await everyProcess()).toEqual([]);
  });

  it('leaves no process when it is killed, and starts again in the same home', async () => {
    const first = await startSystem();
    const all = await descendants(first.pid);
    first.child.kill('SIGKILL');
    await until(() => !all.some(isAlive));

    const second = await startSystem();
    await until(() => isReady(second.url));
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
  });

  it('ends with one clear message when a process could not start', async () => {
    const { code, stderr } = await runFrameloom(['start'], {
      FRAMELOOM_HOME: home,
      FRAMELOOM_PORT: '0',
      FRAMELOOM_MODEL: 'unheard-of',
    });
    expect(stderr).toContain('No model "unheard-of" is installed');
    expect(stderr).not.toContain('    at ');
    // A restart cannot help, so there is none.
    expect(stderr).not.toContain('starting it again');
    expect(code).toBe(1);
    expect(await everyProcess()).toEqual([]);
  });
});

/** Starts `frameloom summarize` on the sample video and interrupts it as soon as the job has started. */
async function interruptedSummary(): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawn(
    process.execPath,
    [...commandEntry(), 'summarize', join(packageRoot(), 'samples', 'sample-video.mp4')],
    { env: cleanEnv({ FRAMELOOM_HOME: home }), stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exit = once(child, 'exit');
  await until(() => stderr.includes('started\n') || child.exitCode !== null);
  child.kill('SIGINT');
  const [code] = await exit;
  return { code, stderr };
}

async function listJobs(): Promise<readonly { readonly id: string; readonly status: string }[]> {
  const { stdout } = await runFrameloom(['jobs', 'list', '--json'], { FRAMELOOM_HOME: home });
  return JSON.parse(stdout) as { id: string; status: string }[]; // as printed
}

describe('frameloom summarize, interrupted', () => {
  it('cancels the job of its own system and leaves no process; on a server the job continues', async () => {
    const alone = await interruptedSummary();
    expect(alone.stderr).toContain('cancelling');
    expect(alone.code).toBe(130);
    expect(await everyProcess()).toEqual([]);

    const { child, exit } = await startSystem();
    expect((await listJobs()).map(({ status }) => status)).toEqual(['cancelled']);
    const served = await interruptedSummary();
    expect(served.code).toBe(130);
    const [id] = /sum_[a-z2-7]{26}/.exec(served.stderr) ?? [];
    expect(served.stderr).toContain(`frameloom jobs watch ${id}`);
    expect((await listJobs()).find((job) => job.id === id)?.status).toMatch(/queued|processing|completed/);
    const cancelled = await runFrameloom(['jobs', 'cancel', id ?? ''], { FRAMELOOM_HOME: home });
    expect(cancelled.stdout).toMatch(/cancell(ing|ed)/);
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
  });
});
