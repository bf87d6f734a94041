/** One pull per model folder: two would write to the same partial files. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { acquireFileLock } from '../../../core/file-lock.ts';
import { identifyProcess, isProcessRunning, parseProcessIdentity } from '../../../core/processes.ts';
import { WeightsError } from '../../../weights/index.ts';

/** Takes `FOLDER.lock` until disposed. @throws WeightsError `in_use`, `not_writable`. */
export async function lockPull(folder: string): Promise<AsyncDisposable> {
  const file = `${folder}.lock`;
  try {
    await mkdir(dirname(file), { recursive: true });
    return await acquireFileLock(file, {
      content: JSON.stringify(identifyProcess('pull', process.pid)),
      rejectIfHeld(content) {
        const holder = parseProcessIdentity(content);
        if (holder === undefined || !isProcessRunning(holder)) return;
        throw new WeightsError('in_use', `Another pull of this model is running, as process ${holder.pid}.`);
      },
    });
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    throw new WeightsError('not_writable', 'The model folder cannot be written to.', { cause });
  }
}
