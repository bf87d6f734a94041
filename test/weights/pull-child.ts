/** Runs a pull for the parent process and reports each event to it, until the process is killed. */
import { createHubClient, pullWeights, type WeightSet } from '../../weights/index.ts';

process.on('message', (order: { endpoint: string; folder: string; set: WeightSet }) => {
  const hub = createHubClient({ endpoint: order.endpoint });
  void pullWeights(order.set, order.folder, {
    hub,
    signal: new AbortController().signal,
    onEvent: ({ path, bytes }) => process.send?.({ path, bytes }),
  });
});
process.send?.('ready');
