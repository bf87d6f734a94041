/**
 * `system.json` in the home folder: the lock that keeps two systems from sharing one home, and the note by which other
 * commands find the running one. A system that was killed leaves it behind; the next one sees that its process is gone.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireFileLock } from '../../core/file-lock.ts';
import { isProcessRunning, type ProcessIdentity, waitForExit } from '../../core/processes.ts';

interface SystemRecord {
  readonly supervisor: ProcessIdentity;
  readonly url?: string;
  /** Frontend of Temporal, host:port. */
  readonly temporal?: string;
  readonly processes: readonly ProcessIdentity[];
}

export interface HomeLock {
  /** Publishes the address of the API and the processes of the system. */
  publish(state: Omit<SystemRecord, 'supervisor'>): Promise<void>;
  release(): Promise<void>;
}

/** Another system runs in this home. */
export class HomeInUseError extends Error {
  override readonly name = 'HomeInUseError';
}

/** How long processes of a system that was killed may take to notice, in milliseconds. */
const ORPHANS_MS = 20_000;

const fileOf = (home: string): string => join(home, 'system.json');

/** Takes the home folder, which is made if needed. Throws HomeInUseError. */
export async function lockHome(home: string, self: ProcessIdentity): Promise<HomeLock> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const content = (state: Omit<SystemRecord, 'supervisor'>): string =>
    JSON.stringify({ supervisor: self, ...state } satisfies SystemRecord, null, 2);
  const lock = await acquireFileLock(fileOf(home), {
    content: content({ processes: [] }),
    async rejectIfHeld(text) {
      const held = parse(text);
      if (held !== undefined && isProcessRunning(held.supervisor)) {
        throw new HomeInUseError(
          `A Frameloom system with this home is already running${held.url ? ` at ${held.url}` : ''}.`,
        );
      }
      if (!(await waitForExit(held?.processes ?? [], ORPHANS_MS))) {
        throw new HomeInUseError(
          'Processes of an earlier Frameloom system with this home are still ending. Try again in a moment.',
        );
      }
    },
  });
  return { publish: (state) => lock.update(content(state)), release: lock.release };
}

/** The address of the system that runs in `home`, if there is one. */
export async function findRunningSystem(home: string): Promise<string | undefined> {
  return (await readRunningSystem(home))?.url;
}

/** The address of Temporal of the system that runs in `home`, if there is one. */
export async function findRunningTemporal(home: string): Promise<string | undefined> {
  return (await readRunningSystem(home))?.temporal;
}

async function readRunningSystem(home: string): Promise<SystemRecord | undefined> {
  const note = parse(await readFile(fileOf(home), 'utf8').catch(() => ''));
  return note !== undefined && isProcessRunning(note.supervisor) ? note : undefined;
}

function parse(text: string): SystemRecord | undefined {
  try {
    const note = JSON.parse(text) as SystemRecord; // written by `lockHome` only
    return typeof note.supervisor.pid === 'number' ? note : undefined;
  } catch {
    return undefined; // cut off while it was written, by a crash
  }
}
