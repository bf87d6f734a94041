/** The lock on the model of a worker: shared holders run together, an exclusive holder runs alone. */
import { expect, it } from 'vitest';
import { createModelLock, type ModelLock, type Release } from '../../activities/lib/model-lock.ts';

const { signal } = new AbortController();

/** Acquires the lock, and records when it is granted. */
function request(lock: ModelLock, kind: 'shared' | 'exclusive', abort: AbortSignal = signal) {
  const state = { isGranted: false };
  const granted = lock[kind](abort).then((release: Release) => {
    state.isGranted = true;
    return release;
  });
  granted.catch(() => undefined);
  return { state, granted };
}

/** Lets every lock that can be granted be granted. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

it('grants any number of shared holders at once', async () => {
  const lock = createModelLock();
  const [first, second] = [request(lock, 'shared'), request(lock, 'shared')];
  await settle();
  expect([first.state.isGranted, second.state.isGranted]).toEqual([true, true]);
});

it('grants an exclusive holder only when no other holder is left', async () => {
  const lock = createModelLock();
  const releases = [await lock.shared(signal), await lock.shared(signal)];
  const exclusive = request(lock, 'exclusive');
  for (const release of releases) {
    await settle();
    expect(exclusive.state.isGranted).toBe(false);
    release();
  }
  await settle();
  expect(exclusive.state.isGranted).toBe(true);
});

it('lets nothing overtake an exclusive caller that waits', async () => {
  const lock = createModelLock();
  const release = await lock.shared(signal);
  const exclusive = request(lock, 'exclusive');
  const later = request(lock, 'shared');
  await settle();
  expect([exclusive.state.isGranted, later.state.isGranted]).toEqual([false, false]);
  release();
  await settle();
  expect([exclusive.state.isGranted, later.state.isGranted]).toEqual([true, false]);
  (await exclusive.granted)();
  await settle();
  expect(later.state.isGranted).toBe(true);
});

it('grants exclusive callers one after the other, in the order of their calls', async () => {
  const lock = createModelLock();
  const release = await lock.exclusive(signal);
  const [first, second] = [request(lock, 'exclusive'), request(lock, 'exclusive')];
  release();
  await settle();
  expect([first.state.isGranted, second.state.isGranted]).toEqual([true, false]);
  (await first.granted)();
  await settle();
  expect(second.state.isGranted).toBe(true);
});

it('gives up waiting when the signal aborts, and grants those behind', async () => {
  const lock = createModelLock();
  await lock.shared(signal);
  const abort = new AbortController();
  const exclusive = request(lock, 'exclusive', abort.signal);
  const later = request(lock, 'shared');
  await settle();
  expect(later.state.isGranted).toBe(false);
  abort.abort(new Error('preempted'));
  await expect(exclusive.granted).rejects.toThrow('preempted');
  await settle();
  expect(later.state.isGranted).toBe(true);
});

it('rejects a caller whose signal has aborted, and takes no lock for it', async () => {
  const lock = createModelLock();
  await expect(lock.exclusive(AbortSignal.abort(new Error('preempted')))).rejects.toThrow('preempted');
  const next = request(lock, 'exclusive');
  await settle();
  expect(next.state.isGranted).toBe(true);
});

it('keeps a granted lock when the signal aborts afterwards', async () => {
  const lock = createModelLock();
  const abort = new AbortController();
  const release = await lock.exclusive(abort.signal);
  abort.abort();
  const next = request(lock, 'shared');
  await settle();
  expect(next.state.isGranted).toBe(false);
  release();
  await settle();
  expect(next.state.isGranted).toBe(true);
});
