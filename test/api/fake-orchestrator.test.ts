import { describeBatches } from '../temporal/batch-contract.ts';
import { describeOrchestrator } from '../temporal/orchestrator-contract.ts';
import { createFakeOrchestrator, type FakeOrchestrator } from './fake-orchestrator.ts';

const orchestrator: FakeOrchestrator = createFakeOrchestrator();

describeOrchestrator('the fake of the tests', () => ({
  orchestrator,
  async act(id, what) {
    if (what === 'begin') orchestrator.upsert(id, { startedAt: '2026-01-01T00:00:00.000Z' });
    else orchestrator.close(id, what === 'complete' ? 'completed' : 'failed');
  },
  async untilClosed(id) {
    orchestrator.close(id, 'cancelled');
    const record = await orchestrator.describe(id);
    if (!record) throw new Error('no such job');
    return record;
  },
}));

describeBatches('the fake of the tests', () => {
  const { batches } = orchestrator;
  return {
    batches,
    complete: async (id) => batches.close(id, 'completed'),
    async until(id, holds) {
      const record = await batches.describe(id);
      if (!record || !holds(record)) throw new Error('it does not hold');
      return record;
    },
  };
});
