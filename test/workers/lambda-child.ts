/**
 * A Lambda environment as one process: calls the handler as often as it is told. An invocation has plenty of time until the work is
 * begun that takes too long: then it has just what it needs to leave.
 */
import { Context } from '@temporalio/activity';
import { loadSettings } from '../../config/settings.ts';
import { prepareCpuActivities } from '../../workers/cpu/cpu-activities.ts';
import { createLambdaCpuWorker } from '../../workers/cpu/lambda-cpu-worker.ts';
import type { LambdaActivities } from './lambda-workflow.ts';

const [name = '', idle = '', invocations = ''] = process.argv.slice(2);
const GRACE = 100;
const MARGIN = 3000;
let deadline = 0;

const activities: LambdaActivities = {
  quick: async () => name,
  async long() {
    const { info, cancelled, heartbeat } = Context.current();
    heartbeat();
    if (info.attempt === 1) {
      deadline = Date.now() + GRACE + MARGIN;
      await cancelled;
    }
    return { by: name, attempt: info.attempt };
  },
};

const handler = createLambdaCpuWorker(loadSettings(process.env), {
  idleTimeoutMs: Number(idle),
  shutdownGraceMs: GRACE,
  closeMarginMs: MARGIN,
  async prepareActivities(settings) {
    const real = await prepareCpuActivities(settings);
    return { create: (from) => ({ ...real.create(from), ...activities }) };
  },
});

const ended = [];
for (let left = Number(invocations); left > 0; left -= 1) {
  deadline = Date.now() + 120_000;
  const context = { getRemainingTimeInMillis: () => deadline - Date.now() };
  const result = await handler({ source: 'aws.events' }, context);
  ended.push({ ...result, inTime: context.getRemainingTimeInMillis() > 0 });
}
process.stdout.write(`\nended ${JSON.stringify(ended)}\n`);
process.exit();
