/** The quick drills: each breaks a deployment in one way and loses nothing. The others: `npm run drills`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancel } from '../faults/cancel.ts';
import { noWorkers } from '../faults/no-workers.ts';
import { sigterm } from '../faults/sigterm.ts';
import { type Ground, openGround } from '../faults/support/drill.ts';
import { zombie } from '../faults/zombie.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(1);
});
afterAll(() => ground?.[Symbol.asyncDispose]());

describe.runIf(process.platform === 'linux')('nothing is lost when', () => {
  for (const drill of [sigterm, zombie, cancel, noWorkers]) {
    it(drill.rule, async () => {
      expect((await drill.run(ground)).lost).toEqual([]);
    });
  }
});
