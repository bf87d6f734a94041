/** Failures of activities as Temporal records them: a code and a safe message, without the cause. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, it } from 'vitest';
import { permanentErrorOf, withTypedFailures } from '../../activities/lib/index.ts';
import { FrameloomError } from '../../core/errors.ts';
import { ModelError } from '../../onnx/index.ts';
import { StoreError } from '../../store/artifact-store.ts';

const CANARY = 'canary-5d1c';

interface Recorded {
  readonly failure: ApplicationFailure;
  /** As it is in the history of the workflow. */
  readonly history: string;
  readonly log: string;
}

/** Runs an activity that throws `error`, on its third attempt. */
async function recorded(error: unknown): Promise<Recorded> {
  const lines: unknown[] = [];
  const logger = new DefaultLogger('INFO', ({ message, meta }) => {
    const logged = meta?.error as Error | undefined;
    lines.push([message, meta?.code, String(logged), String(logged?.cause)]);
  });
  const environment = new MockActivityEnvironment({ attempt: 3 }, { logger });
  const { fail } = withTypedFailures({ fail: (_input: object) => Promise.reject(error) });
  const failure = await environment.run(fail, {}).catch((reason: unknown) => reason);
  const proto = new DefaultFailureConverter().errorToFailure(failure, defaultPayloadConverter);
  return {
    failure: failure as ApplicationFailure, // each test checks what it reads
    history: JSON.stringify(proto),
    log: JSON.stringify(lines),
  };
}

it.each([
  ['a FrameloomError', new FrameloomError('source_unreachable', 'Safe.', { cause: new Error(CANARY) })],
  ['a StoreError', new StoreError('unavailable', CANARY, { cause: new Error(CANARY) })],
  ['a ModelError', new ModelError('crashed', 'Safe.', { cause: new Error(CANARY) })],
  ['an unexpected error', new TypeError(CANARY)],
  ['a value that is no error', CANARY],
])('keeps the cause of %s out of the history, and logs it', async (_what, error) => {
  const { failure, history, log } = await recorded(error);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure.details).toEqual([{ attempts: 3 }]);
  expect(history).not.toContain(CANARY);
  expect(log).toContain(CANARY);
});

it('records the code as type, and whether a retry can help', async () => {
  const { failure: retryable, log } = await recorded(new FrameloomError('unavailable', 'Down.'));
  expect(retryable).toMatchObject({ type: 'unavailable', message: 'Down.', nonRetryable: false });
  expect(log).not.toContain('cause of a failed activity');
  const { failure: final } = await recorded(new FrameloomError('unsupported_media', 'Not a video.'));
  expect(final).toMatchObject({ type: 'unsupported_media', nonRetryable: true });
});

it('records the wait that another server asked for', async () => {
  const retryAfterMs = 90_000;
  for (const error of [
    new FrameloomError('source_unreachable', 'Busy.', { retryAfterMs }),
    new ModelError('unavailable', 'Busy.', { retryAfterMs }),
  ])
    expect((await recorded(error)).failure).toMatchObject({ nextRetryDelay: retryAfterMs });
});

it('records a cancellation as a cancellation', async () => {
  const cancelled = new CancelledFailure('CANCELLED');
  expect((await recorded(cancelled)).failure).toBe(cancelled);
  expect(permanentErrorOf(cancelled)).toBeUndefined();
});

it('knows which errors no retry can repair', () => {
  expect(permanentErrorOf(new FrameloomError('unavailable', 'Down.'))).toBeUndefined();
  expect(permanentErrorOf(new FrameloomError('unsupported_media', 'Not a video.'))).toEqual({
    code: 'unsupported_media',
    message: 'Not a video.',
  });
});
