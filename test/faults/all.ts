/** All fault tests, in the order in which they run. */
import { backfill } from './backfill.ts';
import { cancel } from './cancel.ts';
import { clockSkew } from './clock-skew.ts';
import { damage } from './damage.ts';
import { diskFull } from './disk-full.ts';
import { equalSubmits } from './equal-submits.ts';
import { fairness } from './fairness.ts';
import { kill } from './kill.ts';
import { longHistory } from './long-history.ts';
import { noWorkers } from './no-workers.ts';
import { poisonHost, poisonWorker } from './poison.ts';
import { sigterm } from './sigterm.ts';
import { storeFaults } from './store-faults.ts';
import type { FaultTest } from './support/fault-test.ts';
import { temporalOutage } from './temporal-outage.ts';
import { twelveHours } from './twelve-hours.ts';
import { twoBuilds } from './two-builds.ts';
import { zombie } from './zombie.ts';

export const FAULT_TESTS: readonly FaultTest[] = [
  kill,
  sigterm,
  temporalOutage,
  zombie,
  twoBuilds,
  clockSkew,
  storeFaults,
  diskFull,
  damage,
  poisonHost,
  poisonWorker,
  cancel,
  equalSubmits,
  noWorkers,
  longHistory,
  twelveHours,
  backfill,
  fairness,
];
