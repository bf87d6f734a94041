import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createTransferView } from '../../cli/output/index.ts';
import type { TransferState } from '../../cli/output/transfer-view.ts';

/** A view with a captured output and a clock set by the test. */
function setUpView(isTTY: boolean) {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  const clock = { now: 0 };
  const view = createTransferView(Object.assign(stream, { isTTY, columns: 120 }), 'model', () => clock.now);
  return { written, clock, view };
}

const state = (bytes: number, verb: TransferState['verb'] = 'downloading'): TransferState => ({
  verb,
  path: 'text.onnx.data',
  index: 2,
  files: 11,
  bytes,
  total: 1e9,
});

describe('transferView', () => {
  it('draws one line on a terminal: share, speed, time left, file', () => {
    const { written, clock, view } = setUpView(true);
    view.update(state(0));
    clock.now = 1000;
    view.update(state(250e6));
    expect(written.at(-1)).toBe(
      '\r\x1b[K████░░░░░░░░░░░░ 25% of 1.0 GB, 250 MB/s, 3 s left  downloading 3/11 text.onnx.data',
    );
    view.close();
    expect(written.at(-1)).toBe('\r\x1b[K');
  });

  it('shows the speed of the last seconds, not the average', () => {
    const { written, clock, view } = setUpView(true);
    for (let second = 0; second <= 20; second++) {
      clock.now = second * 1000;
      view.update(state(second <= 10 ? second * 1e6 : 10e6 + (second - 10) * 20e6));
    }
    expect(written.at(-1)).toContain(' 20.0 MB/s, ');
  });

  it('measures the speed of checking and downloading separately', () => {
    const { written, clock, view } = setUpView(true);
    view.update(state(0, 'checking'));
    clock.now = 1000;
    view.update(state(500e6, 'checking'));
    clock.now = 2000;
    view.update(state(500e6));
    clock.now = 3000;
    view.update(state(501e6));
    expect(written.at(-1)).toContain(' 1.0 MB/s, ');
  });

  it('shows no negative speed when a download starts again', () => {
    const { written, clock, view } = setUpView(true);
    view.update(state(500e6));
    clock.now = 1000;
    view.update(state(0));
    expect(written.at(-1)).not.toContain('/s');
  });

  it('writes a line every ten seconds without a terminal', () => {
    const { written, clock, view } = setUpView(false);
    for (let second = 0; second <= 25; second++) {
      clock.now = second * 1000;
      view.update(state(second * 10e6));
    }
    expect(written).toEqual([
      'model: downloading 10% of 1.0 GB, 10.0 MB/s, 1 min 30 s left\n',
      'model: downloading 20% of 1.0 GB, 10.0 MB/s, 1 min 20 s left\n',
    ]);
  });

  it('puts messages on lines of their own', () => {
    const { written, view } = setUpView(true);
    view.update(state(0));
    view.printMessage('trying again');
    expect(written.slice(-2)).toEqual(['\r\x1b[K', 'model: trying again\n']);
  });
});
