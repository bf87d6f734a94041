/**
 * What a worker has in hand, noted where the next process of this machine finds it. A worker that is killed cannot tell the server, which
 * then waits for the heartbeat timeout; its successor tells it within a second or two. Notes are no more than that hint: an attempt that has
 * ended or is given up is unknown to the server, which says so and changes nothing, and without notes the timeout still holds.
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

/** Milliseconds for telling the server of all of it; a start should not wait longer for what a timeout does as well. */
const REPORT_TIMEOUT_MS = 5000;

/** Milliseconds in which the end of an attempt has reached the server. */
const RECORD_LINGER_MS = 1000;

export interface InFlightRecords extends AsyncDisposable {
  /** Notes the activities of a worker until their ends have reached the server. To be the outermost interceptor. */
  readonly interceptor: (context: Context) => ActivityInterceptors;
  /** Fails the attempts that killed processes of this machine had in hand, so that the next ones are due at once. */
  readonly failOrphaned: (connection: NativeConnection, namespace: string) => Promise<void>;
}

interface AttemptRecord {
  /** Base64: names one attempt of one activity. */
  readonly token: string;
  readonly attempt: number;
}

/** Opens the notes under `root`: takes over those of processes that no longer run, and begins a folder for this one. */
export async function openInFlightRecords(
  root: string,
  logger: Logger,
  now = Date.now(),
): Promise<InFlightRecords> {
  await mkdir(root, { recursive: true });
  const lost: AttemptRecord[] = [];
  for (const name of await readdir(root)) {
    const folder = join(root, name);
    if (!(await isAbandonedFolder(root, name, now))) continue;
    lost.push(...(await readRecords(folder)));
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
          // Synchronous: sharp keeps the threads busy that would else do it, and it takes 50 microseconds.
          note(file, { token: info.base64TaskToken, attempt: info.attempt });
          try {
            return await next(input);
          } finally {
            // Its end has still to reach the server.
            setTimeout(() => rmSync(file, { force: true }), RECORD_LINGER_MS).unref();
          }
        },
      },
    }),

    async failOrphaned(connection, namespace) {
      const client = new AsyncCompletionClient({ connection, namespace });
      const told = connection.withDeadline(Date.now() + REPORT_TIMEOUT_MS, () =>
        Promise.allSettled(
          lost.splice(0).map(async ({ token, attempt }) => {
            const failure = ApplicationFailure.create({
              type: 'internal' satisfies ErrorCode,
              message: 'The worker that was at it has ended.',
              details: [{ attempts: attempt } satisfies FailureDetails],
              // The start of a worker was pause enough.
              nextRetryDelay: 1,
            });
            await client.fail(Buffer.from(token, 'base64'), failure);
          }),
        ),
      );
      for (const outcome of await told) {
        if (outcome.status === 'fulfilled') logger.info('gave up what a killed worker had in hand');
        else if (!(outcome.reason instanceof ActivityNotFoundError))
          logger.warn('what a killed worker had in hand is left to its timeout', {
            reason: String(outcome.reason),
          });
      }
    },

    [Symbol.asyncDispose]: () => rm(own, { recursive: true, force: true }),
  };

  function note(file: string, content: AttemptRecord): void {
    try {
      writeFileSync(file, JSON.stringify(content));
    } catch (error) {
      logger.warn('what is in hand is not noted', { reason: String(error) });
    }
  }
}

/** The notes in a folder, less those that a full disk or a kill cut off. */
async function readRecords(folder: string): Promise<readonly AttemptRecord[]> {
  // Another worker that starts as well may be taking them over.
  const files = await readdir(folder).catch(() => []);
  const notes = files.map(async (file): Promise<readonly AttemptRecord[]> => {
    try {
      const { token, attempt } = JSON.parse(
        await readFile(join(folder, file), 'utf8'),
      ) as Partial<AttemptRecord>; // or less
      return typeof token === 'string' && typeof attempt === 'number' ? [{ token, attempt }] : [];
    } catch {
      return [];
    }
  });
  return (await Promise.all(notes)).flat();
}
