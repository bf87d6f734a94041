/** A process by more than its id: ids are used again, after a restart of the machine or a container even at once. */
import { readFileSync } from 'node:fs';

export interface ProcessMark {
  readonly name: string;
  readonly pid: number;
  /** Differs between two processes with the same id. Empty where the platform does not tell. */
  readonly born: string;
}

/** The mark of a running process. */
export function markOf(name: string, pid: number): ProcessMark {
  return { name, pid, born: birth(pid) };
}

export function isRunning({ pid, born }: ProcessMark): boolean {
  return isPidRunning(pid) && birth(pid) === born;
}

/** Whether any process has the id. */
export function isPidRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // it runs, as another user
  }
}

/** Whether all processes were gone within `milliseconds`. */
export async function waitUntilGone(
  processes: readonly ProcessMark[],
  milliseconds: number,
): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (processes.some(isRunning)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}

/** Boot and start time of a process on Linux (field 22 of /proc/PID/stat, proc(5)); a zombie counts as gone. */
function birth(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; what follows it starts with field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return 'zombie';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    return 'gone';
  }
}
