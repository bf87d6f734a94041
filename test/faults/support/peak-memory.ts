/** The most memory that the processes of a deployment have had, as the kernel counts it. */
import { readFile, readlink } from 'node:fs/promises';
import type { DeployedProcess, Deployment } from './deployment.ts';

/** Programs that come and go are looked at so often, in milliseconds. */
const POLL_MS = 50;

export interface MemoryWatch {
  /** Largest resident sets so far in bytes, by process. Programs that a worker starts are counted by the largest of them. */
  peaks(): Promise<ReadonlyMap<string, number>>;
  [Symbol.dispose](): void;
}

export function watchPeakMemory(deployment: Deployment): MemoryWatch {
  const children = new Map<string, number>();
  const timer = setInterval(() => void look(), POLL_MS);

  async function look(): Promise<void> {
    for (const deployed of processes(deployment)) {
      for (const pid of await deployed.children()) {
        // Until it has become another program a new child counts the memory of its parent as its own. The model host stays what it is.
        if (deployed.name !== 'gpu' && (await programOf(pid)) === (await programOf(deployed.pid))) continue;
        const bytes = await peakOf(pid);
        const name = deployed.name === 'gpu' ? 'model host' : `programs of ${deployed.name}`;
        children.set(name, Math.max(children.get(name) ?? 0, bytes));
      }
    }
  }

  return {
    async peaks() {
      await look();
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

/** 0 for a process that has gone. */
async function peakOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1024;
}
