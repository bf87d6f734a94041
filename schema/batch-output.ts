/** The output and error lines of a batch, in the format of OpenAI's Batch API. */

import { ERRORS } from '../core/errors.ts';
import type { ShardLine } from './batch.ts';
import type { Job, JobError } from './job.ts';
import type { Usage } from './usage.ts';
import type { Versioned } from './versioned.ts';

export const OUTCOME_VERSION = 1;

/** The outcome of a line: the job as it ended. `result` and `ledger` are names of artifacts. */
export interface BatchOutcome extends Versioned {
  readonly version: typeof OUTCOME_VERSION;
  readonly ok: boolean;
  readonly job: Job | null;
  readonly result?: string;
  readonly ledger?: string;
  readonly error?: Pick<JobError, 'code' | 'message'>;
}

/** Reads the lines of a batch and their outcomes. */
export interface BatchReader {
  readonly shards: number;
  readonly round: number;
  shard(number: number): Promise<readonly ShardLine[]>;
  /** The outcome of the line in its latest round that has one, counting down from `round`. */
  outcome(line: number, round: number): Promise<BatchOutcome | undefined>;
  /** The content of a JSON artifact; undefined if the artifact is missing. */
  json(name: string): Promise<unknown>;
}

export interface OutputLine {
  readonly ok: boolean;
  readonly text: string;
  /** Usage of the job of the line. */
  readonly usage?: Usage;
}

/** Number of lines whose artifacts are read in parallel. */
const AT_ONCE = 10;

/**
 * Yields the lines that have an outcome, in the order of the input. Without `rest`, lines without an outcome
 * are left out; `rest` is the error of these lines once the batch has ended.
 */
export async function* outputLines(reader: BatchReader, rest?: JobError): AsyncGenerator<OutputLine> {
  for (let number = 0; number < reader.shards; number += 1) {
    const lines = await reader.shard(number);
    for (let first = 0; first < lines.length; first += AT_ONCE) {
      const some = lines.slice(first, first + AT_ONCE);
      const made = await Promise.all(some.map((line) => outputLine(reader, line, rest)));
      for (const line of made) if (line) yield line;
    }
  }
}

async function outputLine(
  reader: BatchReader,
  line: ShardLine,
  rest: JobError | undefined,
): Promise<OutputLine | undefined> {
  if ('error' in line) return withoutJob(line, line.error);
  const outcome = await reader.outcome(line.line, reader.round);
  if (!outcome) return rest && withoutJob(line, rest);
  if (!outcome.job)
    return withoutJob(line, outcome.error ?? { code: 'internal', message: ERRORS.internal.title });
  const [result, ledger] = await Promise.all([
    outcome.result === undefined ? null : reader.json(outcome.result),
    outcome.ledger === undefined ? null : reader.json(outcome.ledger),
  ]);
  const { error } = outcome;
  return {
    ok: outcome.ok,
    ...(outcome.job.usage ? { usage: outcome.job.usage } : {}),
    text: JSON.stringify({
      id: idOf(line),
      custom_id: line.customId,
      response: {
        status_code: error ? ERRORS[error.code].status : 200,
        request_id: `req_${line.jobId.slice(4)}`,
        body: { ...outcome.job, result: result ?? null, ledger: ledger ?? null },
      },
      error: error ? { code: error.code, message: error.message } : null,
    }),
  };
}

function withoutJob(line: ShardLine, { code, message }: Pick<JobError, 'code' | 'message'>): OutputLine {
  const text = JSON.stringify({
    id: idOf(line),
    custom_id: line.customId,
    response: null,
    error: { code, message, line: line.line },
  });
  return { ok: false, text };
}

function idOf(line: ShardLine): string {
  return `batch_req_${'error' in line ? `line_${line.line}` : line.jobId.slice(4)}`;
}
