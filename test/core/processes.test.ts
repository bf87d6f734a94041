import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  identifyProcess,
  isPidRunning,
  isProcessRunning,
  parseProcessIdentity,
  waitForExit,
} from '../../core/processes.ts';

describe('process liveness', () => {
  it('recognizes a running process by its identity', () => {
    const self = identifyProcess('test', process.pid);
    expect(isProcessRunning(self)).toBe(true);
    expect(parseProcessIdentity(JSON.stringify(self))).toEqual(self);
  });

  it('does not take another process with the same id for it', () => {
    expect(isProcessRunning({ name: 'test', pid: process.pid, startedAt: 'an earlier boot:1' })).toBe(false);
  });

  it('reports a process that has exited', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const identity = identifyProcess('child', child.pid ?? 0);
    expect(await waitForExit([identity], 0)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isPidRunning(identity.pid)).toBe(false);
    expect(await waitForExit([identity], 1000)).toBe(true);
  });

  it('rejects an identity that was cut off', () => {
    expect(parseProcessIdentity('{"name":"te')).toBeUndefined();
    expect(parseProcessIdentity('{}')).toBeUndefined();
  });
});
