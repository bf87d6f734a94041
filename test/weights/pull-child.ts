/** Pulls what the parent says, telling it every step, until it is killed. */
import { openHub, pullWeights, type WeightSet } from '../../weights/index.ts';

process.on('message', (order: { endpoint: string; folder: string; set: WeightSet }) => {
  const hub = openHub({ endpoint: order.endpoint });
  void pullWeights(order.set, order.folder, {
    hub,
    signal: new AbortController().signal,
    onEvent: ({ path, bytes }) => process.send?.({ path, bytes }),
  });
});
process.send?.('ready');
