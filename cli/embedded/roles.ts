/** The processes of a deployment and the arguments of `frameloom` that start each: the same here and in deploy/. */
export const ROLES = {
  cpu: { name: 'CPU worker', log: 'worker-cpu.log', command: ['worker', 'cpu'] },
  gpu: { name: 'GPU worker', log: 'worker-gpu.log', command: ['worker', 'gpu'] },
  api: { name: 'API', log: 'api.log', command: ['serve'] },
} as const;

/**
 * How the CPU worker's memory is had: glibc else keeps what pictures of megabytes leave, in a region for each thread. After a deck
 * of 200 pages the worker held 890 MiB at most, with these 620, as fast. The container of the CPU worker has the same.
 */
export const PICTURE_MEMORY = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '1048576' } as const;

export type Role = keyof typeof ROLES;

/** What a process of a role tells its supervisor by IPC when it is ready for use. */
export interface ReadyMessage {
  readonly type: 'ready';
  /** Address of the API; workers have none. */
  readonly url?: string;
}

export function isReadyMessage(message: unknown): message is ReadyMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}
