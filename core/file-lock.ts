/**
 * A lock file: one holder per file, among all processes that share the folder. The content of the file names the holder, so
 * that a lock left by a killed process can be taken over.
 */
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface FileLockOptions {
  /** Content of the lock file. Names the holder to other processes. */
  readonly content: string;
  /**
   * Called with the content of an existing lock file. Throws if its holder is alive; otherwise the lock is taken over. The
   * content may be cut off where the file system has no hard links and the writer was killed.
   */
  readonly rejectIfHeld: (content: string) => Promise<void> | void;
}

export interface FileLock extends AsyncDisposable {
  /** Replaces the content atomically. */
  update(content: string): Promise<void>;
  /** Removes the lock file. */
  release(): Promise<void>;
}

/** A file system call on the guard takes far less: the process of an older guard was killed. */
const GUARD_EXPIRY_MS = 10_000;
const POLL_INTERVAL_MS = 20;

/**
 * Takes the lock `file`, whose folder must exist. Of any number of concurrent callers one succeeds.
 *
 * @throws what `rejectIfHeld` throws, and errors of the file system.
 */
export async function acquireFileLock(file: string, options: FileLockOptions): Promise<FileLock> {
  while (!(await createExclusively(file, options.content))) {
    const content = await readFile(file, 'utf8').catch(() => undefined);
    if (content === undefined) continue; // released in the meantime
    await options.rejectIfHeld(content);
    await removeStale(file, content);
  }
  const release = (): Promise<void> => rm(file, { force: true });
  return {
    async update(content) {
      await writeFile(`${file}.tmp`, content);
      await rename(`${file}.tmp`, file);
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}

/** Returns false if the file exists. Where the file system has hard links, no reader sees a part of `text`. */
async function createExclusively(file: string, text: string): Promise<boolean> {
  const whole = `${file}.${crypto.randomUUID()}`;
  try {
    await writeFile(whole, text);
    return await isCreated(() => link(whole, file)).catch((error: unknown) => {
      if (/^(EPERM|ENOSYS|ENOTSUP|EOPNOTSUPP)$/.test(codeOf(error))) return createInPlace(file, text);
      throw error;
    });
  } finally {
    await rm(whole, { force: true });
  }
}

/**
 * Removes the file if it still contains `expected`. A guard file admits one process at a time: otherwise a second one could
 * remove the lock that the first has just taken over.
 */
async function removeStale(file: string, expected: string): Promise<void> {
  const guard = `${file}.removing`;
  if (!(await createInPlace(guard, ''))) {
    const { mtimeMs = Date.now() } = (await stat(guard).catch(() => undefined)) ?? {};
    if (Date.now() - mtimeMs > GUARD_EXPIRY_MS) await rm(guard, { force: true });
    else await sleep(POLL_INTERVAL_MS);
    return;
  }
  try {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === expected) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

function createInPlace(file: string, text: string): Promise<boolean> {
  return isCreated(() => writeFile(file, text, { flag: 'wx' }));
}

async function isCreated(create: () => Promise<void>): Promise<boolean> {
  try {
    await create();
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
