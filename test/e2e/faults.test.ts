/** The fast fault-injection tests. `npm run test:faults` runs all of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancel } from '../faults/cancel.ts';
import { noWorkers } from '../faults/no-workers.ts';
import { sigterm } from '../faults/sigterm.ts';
import { type Fixture, openFixture } from '../faults/support/fault-test.ts';
import { zombie } from '../faults/zombie.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture(1);
});
afterAll(() => fixture?.[Symbol.asyncDispose]());

describe.runIf(process.platform === 'linux')('fault injection', () => {
  for (const test of [sigterm, zombie, cancel, noWorkers]) {
    it(test.rule, async () => {
      expect((await test.run(fixture)).problems).toEqual([]);
    });
  }
});
