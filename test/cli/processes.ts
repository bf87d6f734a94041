/** Which processes run, as Linux reports them. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Whether the process runs; one that has ended and waits to be collected by its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    return state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

/** Ids of all processes below `pid`, at any depth. */
export async function descendants(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.trim().split(/\s+/).filter(Boolean).map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}
