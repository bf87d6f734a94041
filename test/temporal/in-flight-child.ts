/** A worker that finishes `one` and never `two`, and says so on its output. */
import { Context } from '@temporalio/activity';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { openInFlightRecords } from '../../temporal/grpc/index.ts';
import type { InHandActivities } from './in-flight-workflow.ts';

const [address = '', root = ''] = process.argv.slice(2);
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });

const activities: InHandActivities = {
  async work(name) {
    process.stdout.write(`${name}\n`);
    if (name === 'two') await Context.current().cancelled;
    return Context.current().info.attempt;
  },
};

const inHand = await openInFlightRecords(root, logger);
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: 'hands',
  activities,
  interceptors: { activity: [inHand.interceptor] },
});
await worker.run();
