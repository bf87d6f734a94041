/** Estimates as Temporal workflows, over any adapter. */
import { FrameloomError } from '../core/errors.ts';
import type { EstimateMemo } from '../schema/estimate.ts';
import { EstimateId } from '../schema/ids.ts';
import { PRIORITY_KEYS, TENANT_ATTRIBUTE } from '../schema/search-attributes.ts';
import type { EstimateOrchestrator, EstimateRecord } from './estimate-orchestrator.ts';
import type { TemporalWire } from './wire.ts';

/** Name of the workflow of an estimate. */
const WORKFLOW_TYPE = 'estimate';

export function createTemporalEstimates(wire: TemporalWire): EstimateOrchestrator {
  async function describe(id: EstimateId): Promise<EstimateRecord | undefined> {
    const run = await wire.describe(id);
    return (
      run && {
        id: EstimateId.parse(run.workflowId),
        state: run.state === 'running' ? 'running' : 'ended',
        memo: run.memo as unknown as EstimateMemo, // written by `start` below and by the workflow from that type
        createdAt: run.startTime ?? new Date(0).toISOString(),
      }
    );
  }

  return {
    describe,

    async start(id, input, memo) {
      const { tenant } = input;
      await wire.start({
        type: WORKFLOW_TYPE,
        workflowId: id,
        input,
        memo,
        attributes: [{ name: TENANT_ATTRIBUTE, type: 'Keyword', value: tenant }],
        reuse: 'ALLOW_DUPLICATE',
        priority: { priorityKey: PRIORITY_KEYS[memo.priority], fairnessKey: tenant },
      });
      const record = await describe(id);
      if (!record) throw new FrameloomError('unavailable', 'The estimate has not been created yet.');
      return record;
    },
  };
}
