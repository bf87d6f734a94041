/** The quick drills: each breaks a deployment in one way and loses nothing. The others: `npm run drills`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancel } from '../../scripts/drills/cancel.ts';
import { noWorkers } from '../../scripts/drills/no-workers.ts';
import { sigterm } from '../../scripts/drills/sigterm.ts';
import { type Ground, openGround } from '../../scripts/drills/support/drill.ts';
import { zombie } from '../../scripts/drills/zombie.ts';

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
