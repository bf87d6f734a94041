/**
 * Records of the activities that a worker has in flight, in a folder that the next process on this machine
 * reads. The server learns of a killed worker only by the heartbeat timeout; its successor reports the
 * attempts as failed within two seconds. A record is only a hint: the server rejects a report on an attempt
 * that has ended, and without records the timeout applies.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, type Context } from '@temporalio/activity';
import { ActivityNotFoundError, AsyncCompletionClient } from '@temporalio/client';
import type { ActivityInterceptors, Logger, NativeConnection } from '@temporalio/worker';
import type { ErrorCode } from '../../core/errors.ts';
import { isAbandonedFolder, processFolderName } from '../../core/process-folders.ts';
import type { FailureDetails } from '../../schema/stages.ts';

/**
 * Longest wait for the server, for all reports together: a start must not wait longer for what the timeout
 * achieves too.
 */
const REPORT_TIMEOUT_MS = 5000;

/** How long a record outlives its activity: within that time the result has reached the server. */
const RECORD_LINGER_MS = 1000;

export interface InFlightRecords extends AsyncDisposable {
  /** Records each activity until its result has reached the server. Must be the outermost interceptor. */
  readonly interceptor: (context: Context) => ActivityInterceptors;
  /**
   * Reports the attempts of killed processes of this machine as failed: their retries are then due at once.
   */
  readonly failOrphaned: (connection: NativeConnection, namespace: string) => Promise<void>;
}

interface AttemptRecord {
  /** The task token in base64. It identifies one attempt of one activity. */
  readonly token: string;
  readonly attempt: number;
}

/**
 * Takes over the records under `root` of processes that no longer run, and creates a folder for this process.
 */
export async function openInFlightRecords(
  root: string,
  logger: Logger,
  now = Date.now(),
): Promise<InFlightRecords> {
  await mkdir(root, { recursive: true });
  const orphaned: AttemptRecord[] = [];
  for (const name of await readdir(root)) {
    const folder = join(root, name);
    if (!(await isAbandonedFolder(root, name, now))) continue;
    orphaned.push(...(await readRecords(folder)));
    await rm(folder, { recursive: true, force: true });
  }
  const own = join(root, processFolderName(process.pid));
  await mkdir(own);
  let number = 0;

  return {
    interceptor: ({ info }) => ({
      inbound: {
        async execute(input, next) {
          const file = join(own, String(number++));
          // Synchronous, which takes 50 microseconds: sharp keeps the thread pool busy.
          writeRecord(file, { token: info.base64TaskToken, attempt: info.attempt });
          try {
            return await next(input);
          } finally {
            // The result has yet to reach the server.
            setTimeout(() => rmSync(file, { force: true }), RECORD_LINGER_MS).unref();
          }
        },
      },
    }),

    async failOrphaned(connection, namespace) {
      const client = new AsyncCompletionClient({ connection, namespace });
      const reports = connection.withDeadline(Date.now() + REPORT_TIMEOUT_MS, () =>
        Promise.allSettled(
          orphaned.splice(0).map(async ({ token, attempt }) => {
            const failure = ApplicationFailure.create({
              type: 'internal' satisfies ErrorCode,
              message: 'The worker that ran this attempt was killed.',
              details: [{ attempts: attempt } satisfies FailureDetails],
              // In milliseconds. The start of a worker is backoff enough.
              nextRetryDelay: 1,
            });
            await client.fail(Buffer.from(token, 'base64'), failure);
          }),
        ),
      );
      for (const outcome of await reports) {
        if (outcome.status === 'fulfilled') logger.info('reported an attempt of a killed worker as failed');
        else if (!(outcome.reason instanceof ActivityNotFoundError))
          logger.warn('an attempt of a killed worker waits for its heartbeat timeout', {
            reason: String(outcome.reason),
          });
      }
    },

    [Symbol.asyncDispose]: () => rm(own, { recursive: true, force: true }),
  };

  function writeRecord(file: string, content: AttemptRecord): void {
    try {
      writeFileSync(file, JSON.stringify(content));
    } catch (error) {
      logger.warn('a record of an activity in flight could not be written', { reason: String(error) });
    }
  }
}

/** Returns the records in a folder, without those that a full disk or a kill truncated. */
async function readRecords(folder: string): Promise<readonly AttemptRecord[]> {
  // Another process that starts now may be removing the folder.
  const files = await readdir(folder).catch(() => []);
  const records = files.map(async (file): Promise<readonly AttemptRecord[]> => {
    try {
      const { token, attempt } = JSON.parse(
        await readFile(join(folder, file), 'utf8'),
      ) as Partial<AttemptRecord>; // checked below
      return typeof token === 'string' && typeof attempt === 'number' ? [{ token, attempt }] : [];
    } catch {
      return [];
    }
  });
  return (await Promise.all(records)).flat();
}
