/** What cannot be summarized is refused at ingestion: with its code, told plainly, for good, and soon. */
import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../core/errors.ts';
import { corpusFile, missingEncoder } from './build.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { REFUSED } from './refused.ts';

/** Milliseconds in which a refusal comes; what takes longer fails. */
const SOON = 10_000;
let pipeline: Pipeline;
const paths = new Map<string, string>();

beforeAll(async () => {
  pipeline = await createPipeline();
  for (const file of REFUSED) {
    if ((await missingEncoder(file)) === undefined) paths.set(file.name, await corpusFile(file));
  }
});
afterAll(() => pipeline[Symbol.asyncDispose]());

describe('ingestion rejects', () => {
  it.for(REFUSED)(
    '$name ($what): $code',
    { timeout: SOON },
    async ({ name, code, says, encoders = [] }, { skip }) => {
      const path = paths.get(name);
      if (path === undefined) return skip(`this ffmpeg lacks one of the encoders ${encoders.join(', ')}`);
      const failure = await pipeline.ingest(path).then(
        () => 'it was accepted',
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(ApplicationFailure);
      expect(failure).toMatchObject({ type: code, nonRetryable: true, message: expect.stringMatching(says) });
      expect(String(failure)).not.toMatch(/[/\\](tmp|artifacts|source)[/\\]/);
      expect(ERRORS[code].status).toBe(422);
      expect(await pipeline.leftovers()).toEqual([]);
    },
  );
});
