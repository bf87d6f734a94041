/** Allows one set-up at a time: two would install into the same folders. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { report } from './commands.mjs';

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Waits until no other set-up runs, then calls `work` with the lock. A lock of a dead process is removed. */
export async function withSetupLock(folder, work) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'setup.lock');
  let isReported = false;
  for (;;) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    let owner = Number.NaN;
    try {
      owner = Number(readFileSync(path, 'utf8'));
    } catch {
      continue; // released in the meantime
    }
    if (owner > 0 && !isAlive(owner)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!isReported) report('waiting for another set-up to finish');
    isReported = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
