/** One pull per model folder: two would write to the same parts. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createExclusively, removeStale } from '../../core/lock-file.ts';
import { isRunning, markOf, type ProcessMark } from '../../core/process-identity.ts';
import { WeightsError } from '../../weights/index.ts';

/** Takes `FOLDER.lock`, until disposed of. A lock whose process is gone is taken over. Throws WeightsError `in_use`. */
export async function lockPull(folder: string): Promise<AsyncDisposable> {
  const file = `${folder}.lock`;
  await mkdir(dirname(file), { recursive: true }).catch((cause: unknown) => {
    throw new WeightsError('not_writable', 'The folder of models cannot be made.', { cause });
  });
  while (!(await take(file))) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) continue; // released in the meantime
    const holder = parse(text);
    if (holder !== undefined && isRunning(holder)) {
      throw new WeightsError('in_use', `Another pull of this model is running, as process ${holder.pid}.`);
    }
    await removeStale(file, text);
  }
  return {
    async [Symbol.asyncDispose]() {
      await rm(file, { force: true });
    },
  };
}

async function take(file: string): Promise<boolean> {
  try {
    return await createExclusively(file, JSON.stringify(markOf('pull', process.pid)));
  } catch (cause) {
    throw new WeightsError('not_writable', 'The folder of models cannot be written to.', { cause });
  }
}

function parse(text: string): ProcessMark | undefined {
  try {
    const mark = JSON.parse(text) as ProcessMark; // written by `take` only
    return typeof mark.pid === 'number' ? mark : undefined;
  } catch {
    return undefined; // cut off while it was written, by a crash
  }
}
