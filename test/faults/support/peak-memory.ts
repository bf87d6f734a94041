/** Peak memory of the processes of a deployment, as counted by the kernel. */
import { readFile, readlink } from 'node:fs/promises';
import type { DeployedProcess, Deployment } from './deployment.ts';

/** Interval at which the memory of short-lived programs is sampled. */
const POLL_MS = 50;

export interface MemoryWatch {
  /** Largest resident sets so far in bytes, by process. Of the programs of a worker, the largest one counts. */
  peaks(): Promise<ReadonlyMap<string, number>>;
  [Symbol.dispose](): void;
}

export function watchPeakMemory(deployment: Deployment): MemoryWatch {
  const children = new Map<string, number>();
  const timer = setInterval(() => void sample(), POLL_MS);

  async function sample(): Promise<void> {
    for (const deployed of processes(deployment)) {
      for (const pid of await deployed.children()) {
        // A forked child reports the memory of its parent until it executes its program. The model host runs the same one.
        if (deployed.name !== 'gpu' && (await programOf(pid)) === (await programOf(deployed.pid))) continue;
        const bytes = await peakOf(pid);
        const name = deployed.name === 'gpu' ? 'model host' : `programs of ${deployed.name}`;
        children.set(name, Math.max(children.get(name) ?? 0, bytes));
      }
    }
  }

  return {
    async peaks() {
      await sample();
      const own = await Promise.all(
        processes(deployment).map(async ({ name, pid }) => [name, await peakOf(pid)] as const),
      );
      return new Map([...own, ...children]);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function processes(deployment: Deployment): readonly DeployedProcess[] {
  return ['cpu', 'gpu', 'api'].map((name) => deployment.process(name));
}

async function programOf(pid: number): Promise<string> {
  return await readlink(`/proc/${pid}/exe`).catch(() => '');
}

/** Returns 0 for a process that has exited. */
async function peakOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1024;
}
