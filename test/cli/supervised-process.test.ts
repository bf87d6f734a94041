import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChildProcessError } from '../../cli/embedded/index.ts';
import { type SupervisedProcess, startSupervisedProcess } from '../../cli/embedded/supervised-process.ts';

let folder: string;
let child: SupervisedProcess<number> | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-child-'));
});
afterEach(async () => {
  await child?.stop(1000);
  await rm(folder, { recursive: true, force: true });
});

/** A child that runs `script`; it is ready when it sends a number. */
function supervise(script: string): {
  child: SupervisedProcess<number>;
  messages: string[];
  starts: () => number;
} {
  const messages: string[] = [];
  let starts = 0;
  child = startSupervisedProcess<number>(
    {
      name: 'test child',
      logFile: join(folder, 'child.log'),
      forwardsErrors: true,
      ipc: true,
      launch: () => {
        starts += 1;
        return Promise.resolve({ command: process.execPath, args: ['-e', script], env: process.env });
      },
      waitUntilReady: (started, died) =>
        new Promise((resolve, reject) => {
          started.on('message', (message) => resolve(Number(message)));
          died.addEventListener('abort', () => reject(died.reason));
        }),
    },
    { onMessage: (line) => messages.push(line), onChange: () => {}, onFailed: () => {} },
  );
  return { child, messages, starts: () => starts };
}

/** Waits until `condition` holds; the test's own time limit bounds it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const READY_AND_WAIT = 'process.send(process.pid); setInterval(() => {}, 1000);';

describe('a supervised process', () => {
  it('is restarted when it is killed', async () => {
    const { child: subject, messages } = supervise(READY_AND_WAIT);
    const first = await subject.ready;
    process.kill(first, 'SIGKILL');
    await until(() => subject.pid() !== undefined && subject.pid() !== first);
    expect(messages).toEqual(['the test child was ended by SIGKILL; starting it again']);
  });

  it('is not restarted after four failed starts, and the error has its last output', async () => {
    const { child: subject, starts } = supervise('console.error("the disk is on fire"); process.exit(1)');
    const failure = await subject.ready.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ChildProcessError);
    expect(String(failure)).toContain('does not start: it exited with code 1.');
    expect(String(failure)).toContain('the disk is on fire');
    expect(starts()).toBe(4);
  });

  it('is not restarted after a usage error', async () => {
    const { child: subject, starts } = supervise('process.exit(2)');
    await expect(subject.ready).rejects.toThrow('exited with code 2');
    expect(starts()).toBe(1);
  });

  it('is reported as failed when its program does not exist', async () => {
    child = startSupervisedProcess<number>(
      {
        name: 'missing program',
        logFile: join(folder, 'child.log'),
        forwardsErrors: true,
        ipc: false,
        launch: () => Promise.resolve({ command: join(folder, 'nothing'), args: [], env: {} }),
        waitUntilReady: (_child, died) =>
          new Promise((_resolve, reject) => died.addEventListener('abort', () => reject(died.reason))),
      },
      { onMessage: () => {}, onChange: () => {}, onFailed: () => {} },
    );
    await expect(child.ready).rejects.toThrow('missing program does not start');
  });

  it('logs all lines and forwards errors', async () => {
    const { child: subject, messages } = supervise(
      `console.log('{"level":"info","message":"fine"}'); console.log('{"level":"error","message":"broken"}'); ${READY_AND_WAIT}`,
    );
    await subject.ready;
    await until(() => messages.length > 0);
    expect(messages).toEqual(['test child: broken']);
    await subject.stop(1000);
    expect(await readFile(join(folder, 'child.log'), 'utf8')).toBe(
      '{"level":"info","message":"fine"}\n{"level":"error","message":"broken"}\n',
    );
  });

  it('leaves no process after stop, not even children that ignore signals', async () => {
    const ignoreSignals =
      "process.on('SIGTERM', () => {}); process.on('disconnect', () => {}); setInterval(() => {}, 1000);";
    const { child: subject } = supervise(
      `const { spawn } = require('node:child_process');
       const grandchild = spawn(process.execPath, ['-e', ${JSON.stringify(ignoreSignals)}], { stdio: 'ignore' });
       process.send(grandchild.pid); ${ignoreSignals}`,
    );
    const grandchild = await subject.ready;
    const pid = subject.pid() ?? 0;
    await subject.stop(200);
    await until(() => !isAlive(grandchild));
    expect(isAlive(pid)).toBe(false);
    child = undefined;
  });
});
