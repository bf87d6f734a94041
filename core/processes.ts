/**
 * Process liveness. An identity is more than a process id, because ids are reused: after a restart of the machine, or of a
 * container, even at once.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessIdentity {
  /** A label for messages, such as `GPU worker`. */
  readonly name: string;
  readonly pid: number;
  /** Boot id and start time. Differs between two processes with the same id. Empty on platforms other than Linux. */
  readonly startedAt: string;
}

const POLL_INTERVAL_MS = 100;

/** The identity of a running process. */
export function identifyProcess(name: string, pid: number): ProcessIdentity {
  return { name, pid, startedAt: startOf(pid) };
}

/** Parses the JSON of an identity. Undefined for anything else, such as a file cut off by a crash. */
export function parseProcessIdentity(text: string): ProcessIdentity | undefined {
  try {
    const identity = JSON.parse(text) as ProcessIdentity; // written by this module only
    return typeof identity.pid === 'number' ? identity : undefined;
  } catch {
    return undefined;
  }
}

/** Whether this very process still runs. */
export function isProcessRunning({ pid, startedAt }: ProcessIdentity): boolean {
  return isPidRunning(pid) && startOf(pid) === startedAt;
}

/** Whether any process has this id. */
export function isPidRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // it runs as another user
  }
}

/** Waits until all processes have exited. Returns false if one still runs after `timeoutMs`. */
export async function waitForExit(
  processes: readonly ProcessIdentity[],
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (processes.some(isProcessRunning)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_INTERVAL_MS);
  }
  return true;
}

/** Boot id and start time of a process (field 22 of /proc/PID/stat, proc(5)). A zombie counts as exited. */
function startOf(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain spaces; the fields after it start with field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return 'zombie';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    return 'gone';
  }
}
