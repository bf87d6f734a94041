import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createTransferView } from '../../cli/output/index.ts';
import type { TransferState } from '../../cli/output/transfer-view.ts';

/** What is written, with a clock that the test moves. */
function stage(isTTY: boolean) {
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

const state = (bytes: number, verb: TransferState['verb'] = 'fetching'): TransferState => ({
  verb,
  path: 'text.onnx.data',
  index: 2,
  files: 11,
  bytes,
  total: 1e9,
});

describe('transferView', () => {
  it('draws one line on a terminal: share, speed, time left, file', () => {
    const { written, clock, view } = stage(true);
    view.update(state(0));
    clock.now = 1000;
    view.update(state(250e6));
    expect(written.at(-1)).toBe(
      '\r\x1b[K████░░░░░░░░░░░░ 25% of 1.0 GB, 250 MB/s, 3 s left  fetching 3/11 text.onnx.data',
    );
    view.close();
    expect(written.at(-1)).toBe('\r\x1b[K');
  });

  it('tells the speed of the last seconds, not of the whole', () => {
    const { written, clock, view } = stage(true);
    for (let second = 0; second <= 20; second++) {
      clock.now = second * 1000;
      view.update(state(second <= 10 ? second * 1e6 : 10e6 + (second - 10) * 20e6));
    }
    expect(written.at(-1)).toContain(' 20.0 MB/s, ');
  });

  it('does not take reading what is on disk for fetching', () => {
    const { written, clock, view } = stage(true);
    view.update(state(0, 'checking'));
    clock.now = 1000;
    view.update(state(500e6, 'checking'));
    clock.now = 2000;
    view.update(state(500e6));
    clock.now = 3000;
    view.update(state(501e6));
    expect(written.at(-1)).toContain(' 1.0 MB/s, ');
  });

  it('shows no negative speed when bytes are thrown away', () => {
    const { written, clock, view } = stage(true);
    view.update(state(500e6));
    clock.now = 1000;
    view.update(state(0));
    expect(written.at(-1)).not.toContain('/s');
  });

  it('writes a line every ten seconds where there is no terminal', () => {
    const { written, clock, view } = stage(false);
    for (let second = 0; second <= 25; second++) {
      clock.now = second * 1000;
      view.update(state(second * 10e6));
    }
    expect(written).toEqual([
      'model: fetching 10% of 1.0 GB, 10.0 MB/s, 1 min 30 s left\n',
      'model: fetching 20% of 1.0 GB, 10.0 MB/s, 1 min 20 s left\n',
    ]);
  });

  it('puts messages on lines of their own', () => {
    const { written, view } = stage(true);
    view.update(state(0));
    view.printMessage('trying again');
    expect(written.slice(-2)).toEqual(['\r\x1b[K', 'model: trying again\n']);
  });
});
