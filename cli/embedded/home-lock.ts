/**
 * `system.json` in the home folder: the lock that prevents two systems from sharing one home, and the
 * record by which other commands find the running one. A killed system leaves it behind; the next one takes
 * it over when its processes are gone.
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

/** Another system uses this home folder. */
export class HomeInUseError extends Error {
  override readonly name = 'HomeInUseError';
}

/** Processes of a killed system end within this time. */
const ORPHAN_EXIT_TIMEOUT_MS = 20_000;

const fileOf = (home: string): string => join(home, 'system.json');

/**
 * Locks the home folder, and creates it if needed. `onWait` is called before it waits for the processes of a killed
 * system. Throws HomeInUseError.
 */
export async function lockHome(
  home: string,
  self: ProcessIdentity,
  onWait: () => void = () => {},
): Promise<HomeLock> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const content = (state: Omit<SystemRecord, 'supervisor'>): string =>
    JSON.stringify({ supervisor: self, ...state } satisfies SystemRecord, null, 2);
  const lock = await acquireFileLock(fileOf(home), {
    content: content({ processes: [] }),
    async rejectIfHeld(text) {
      const held = parseRecord(text);
      if (held !== undefined && isProcessRunning(held.supervisor)) {
        throw new HomeInUseError(
          `A Frameloom system with this home is already running${held.url ? ` at ${held.url}` : ''}.`,
        );
      }
      const orphans = held?.processes ?? [];
      if (orphans.some(isProcessRunning)) onWait();
      if (!(await waitForExit(orphans, ORPHAN_EXIT_TIMEOUT_MS))) {
        throw new HomeInUseError(
          'Processes of an earlier Frameloom system with this home are still ending. Try again in a moment.',
        );
      }
    },
  });
  return { publish: (state) => lock.update(content(state)), release: lock.release };
}

/** Returns the address of the API of the system that runs in `home`, if any. */
export async function findRunningSystem(home: string): Promise<string | undefined> {
  return (await readRunningSystem(home))?.url;
}

/** Returns the Temporal address, host:port, of the system that runs in `home`, if any. */
export async function findRunningTemporal(home: string): Promise<string | undefined> {
  return (await readRunningSystem(home))?.temporal;
}

async function readRunningSystem(home: string): Promise<SystemRecord | undefined> {
  const record = parseRecord(await readFile(fileOf(home), 'utf8').catch(() => ''));
  return record !== undefined && isProcessRunning(record.supervisor) ? record : undefined;
}

function parseRecord(text: string): SystemRecord | undefined {
  try {
    const record = JSON.parse(text) as SystemRecord; // written by `lockHome` only
    return typeof record.supervisor.pid === 'number' ? record : undefined;
  } catch {
    return undefined; // cut off while it was written, by a crash
  }
}
