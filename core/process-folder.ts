/** Folders that belong to one process each, under a root that several machines may share. */
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isPidRunning } from './process-identity.ts';

/** Milliseconds after which a folder is removed whosever it is: the longest download takes less. */
const ABANDONED = 24 * 3_600_000;

/** How the folder of a process is called, where each process of several machines has one. */
export function folderOf(pid: number): string {
  return `${hostname()}-${pid}`;
}

/** Whether the folder `name` under `root` belongs to a process that no longer runs, as far as this machine can tell. */
export async function isAbandoned(root: string, name: string, now: number): Promise<boolean> {
  const pid = Number(/-(\d+)$/.exec(name)?.[1]);
  // A container that starts again has the same host name and the same process id as the one that was killed.
  if (name === folderOf(pid) && (pid === process.pid || !isPidRunning(pid))) return true;
  const found = await stat(join(root, name)).catch(() => undefined); // another worker may be sweeping as well
  return found !== undefined && now - found.mtimeMs > ABANDONED;
}
