import type { BatchSchedule, ScheduleCreateInput } from '../schema/batch-schedule.ts';
import type { CallOptions, IdempotencyOptions, Transport } from './transport.ts';

export interface ScheduleMethods {
  /** Creates a schedule that runs a batch repeatedly. */
  createSchedule(
    request: ScheduleCreateInput,
    options?: CallOptions & IdempotencyOptions,
  ): Promise<BatchSchedule>;
  getSchedule(id: string, options?: CallOptions): Promise<BatchSchedule>;
  /** Returns up to 100 schedules. */
  listSchedules(options?: CallOptions): Promise<readonly BatchSchedule[]>;
  /** The schedule starts no batch until it is resumed. */
  pauseSchedule(id: string, options?: CallOptions): Promise<BatchSchedule>;
  /** Resumes a paused schedule. Batches that were due in the meantime are not started. */
  resumeSchedule(id: string, options?: CallOptions): Promise<BatchSchedule>;
  /** Starts a batch of the schedule now, unless one is running. */
  triggerSchedule(id: string, options?: CallOptions): Promise<BatchSchedule>;
  /** Deletes a schedule. Batches that it has started continue. */
  deleteSchedule(id: string, options?: CallOptions): Promise<void>;
}

export function scheduleMethods({ json, jsonById, deleteById }: Transport): ScheduleMethods {
  return {
    createSchedule: (body, options) => json('POST /v1/batch-schedules', { body, ...options }),

    getSchedule: jsonById('GET /v1/batch-schedules/{id}'),

    listSchedules: async (options = {}) => (await json('GET /v1/batch-schedules', options)).data,

    pauseSchedule: jsonById('POST /v1/batch-schedules/{id}/pause'),

    resumeSchedule: jsonById('POST /v1/batch-schedules/{id}/resume'),

    triggerSchedule: jsonById('POST /v1/batch-schedules/{id}/trigger'),

    deleteSchedule: deleteById('DELETE /v1/batch-schedules/{id}'),
  };
}
