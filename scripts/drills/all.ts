/** Every drill, in the order in which they are held. */
import { equalSubmits } from './equal-submits.ts';
import { kill } from './kill.ts';
import { noWorkers } from './no-workers.ts';
import { sigterm } from './sigterm.ts';
import type { Drill } from './support/drill.ts';
import { temporalOutage } from './temporal-outage.ts';
import { zombie } from './zombie.ts';

export const DRILLS: readonly Drill[] = [kill, sigterm, temporalOutage, zombie, equalSubmits, noWorkers];
