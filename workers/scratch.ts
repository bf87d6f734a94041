/** Where a worker keeps what it is downloading. Nothing in it outlives the process by much, however that ends. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

/** Milliseconds after which a folder is removed whosever it is: the longest download takes less. */
const ABANDONED = 24 * 3_600_000;

/**
 * Makes a folder under `root` for this process alone; disposing removes it. A process that is killed leaves its own behind, so
 * the folders of those that no longer run on this machine are removed first. Several machines may share `root`.
 */
export async function openScratch(root: string, now = Date.now()): Promise<Scratch> {
  await mkdir(root, { recursive: true });
  const path = join(root, folderOf(process.pid));
  for (const name of await readdir(root)) {
    if (await isAbandoned(root, name, now)) await rm(join(root, name), { recursive: true, force: true });
  }
  await mkdir(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** How the folder of a process is called, where each process of several machines has one. */
export function folderOf(pid: number): string {
  return `${hostname()}-${pid}`;
}

/** Whether the folder `name` under `root` belongs to a process that no longer runs, as far as this machine can tell. */
export async function isAbandoned(root: string, name: string, now: number): Promise<boolean> {
  const pid = Number(/-(\d+)$/.exec(name)?.[1]);
  // A container that starts again has the same host name and the same process id as the one that was killed.
  if (name === folderOf(pid) && (pid === process.pid || !isRunning(pid))) return true;
  const found = await stat(join(root, name)).catch(() => undefined); // another worker may be sweeping as well
  return found !== undefined && now - found.mtimeMs > ABANDONED;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // it runs, as another user
  }
}
