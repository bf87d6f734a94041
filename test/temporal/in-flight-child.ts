/**
 * A worker that finishes `one` and never finishes `two`. It prints the name of each activity that it starts.
 */
import { Context } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { openInFlightRecords } from '../../temporal/grpc/index.ts';
import type { InFlightActivities } from './in-flight-workflow.ts';

const [address = '', root = ''] = process.argv.slice(2);
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });

const activities: InFlightActivities = {
  async work(name) {
    process.stdout.write(`${name}\n`);
    if (name === 'two') await Context.current().cancelled;
    return Context.current().info.attempt;
  },
};

const inFlight = await openInFlightRecords(root, logger);
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: 'in-flight',
  activities,
  interceptors: { activity: [inFlight.interceptor] },
});
await worker.run();
