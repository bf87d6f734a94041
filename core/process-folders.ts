/** Folders that belong to one process each, below a root that several machines may share. */
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isPidRunning } from './processes.ts';

/** Age after which a folder of any machine counts as abandoned. The longest download takes less. */
const ABANDONED_AFTER_MS = 24 * 3_600_000;

/** Name of the folder of a process of this machine. */
export function processFolderName(pid: number): string {
  return `${hostname()}-${pid}`;
}

/**
 * Whether the folder `name` below `root` belongs to a process that no longer runs. Processes of other machines cannot be
 * checked: their folders count as abandoned after a day without a change. `now` is in milliseconds since the epoch.
 */
export async function isAbandonedFolder(root: string, name: string, now: number): Promise<boolean> {
  const pid = Number(/-(\d+)$/.exec(name)?.[1]);
  // A restarted container has the host name and the process id of the killed one: a folder with our own name is not ours.
  if (name === processFolderName(pid) && (pid === process.pid || !isPidRunning(pid))) return true;
  const found = await stat(join(root, name)).catch(() => undefined); // removed by another worker in the meantime
  return found !== undefined && now - found.mtimeMs > ABANDONED_AFTER_MS;
}
