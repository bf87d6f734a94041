/** A Lambda environment as one process: calls the handler once for each argument, which is the milliseconds that invocation has. */
import { Context } from '@temporalio/activity';
import { loadSettings } from '../../schema/settings.ts';
import { findCpuTools } from '../../workers/cpu-activities.ts';
import { createLambdaCpuWorker } from '../../workers/lambda-cpu.ts';
import type { LambdaActivities } from './lambda-workflow.ts';

const [name = '', idle = '', ...invocations] = process.argv.slice(2);

const activities: LambdaActivities = {
  quick: async () => name,
  async long() {
    const { info, cancelled, heartbeat } = Context.current();
    heartbeat();
    if (info.attempt === 1) await cancelled;
    return { by: name, attempt: info.attempt };
  },
};

const handler = createLambdaCpuWorker(loadSettings(process.env), {
  idleAfter: Number(idle),
  grace: 100,
  margin: 1500,
  async findTools(settings) {
    const real = await findCpuTools(settings);
    return { activities: (from) => ({ ...real.activities(from), ...activities }) };
  },
});

const ended = [];
for (const time of invocations) {
  const deadline = Date.now() + Number(time);
  const context = { getRemainingTimeInMillis: () => deadline - Date.now() };
  const result = await handler({ source: 'aws.events' }, context);
  ended.push({ ...result, inTime: context.getRemainingTimeInMillis() > 0 });
}
process.stdout.write(`\nended ${JSON.stringify(ended)}\n`);
process.exit();
