/** glibc else keeps what was freed in a region for each thread: 17 of them in a GPU worker. */
const FEW_ARENAS_ENV = { MALLOC_ARENA_MAX: '2' } as const;

/**
 * How a process that handles pictures has its memory: glibc else keeps what pictures of megabytes leave. After a deck of 200 pages the
 * CPU worker held 890 MiB at most, with these 620, as fast.
 */
export const IMAGE_MEMORY_ENV = { ...FEW_ARENAS_ENV, MALLOC_MMAP_THRESHOLD_: '1048576' } as const;

/**
 * V8's young generation else grows with use to 32 MiB, and what a process held after twelve hours of video was up to 15 % more than after
 * one: the API 181 MB at most and 164, the GPU worker 242 and 228. With these 143 and 131, 162 and 158, as fast.
 */
const SMALL_YOUNG_GENERATION_ENV = { NODE_OPTIONS: '--max-semi-space-size=4' } as const;

/**
 * The processes of a deployment: the arguments of `frameloom` that start each, and settings of its environment, which stay behind those
 * of the operator. The same here and in deploy/.
 */
export const ROLES = {
  cpu: {
    name: 'CPU worker',
    log: 'worker-cpu.log',
    command: ['worker', 'cpu'],
    env: { ...IMAGE_MEMORY_ENV, ...SMALL_YOUNG_GENERATION_ENV },
  },
  gpu: {
    name: 'GPU worker',
    log: 'worker-gpu.log',
    command: ['worker', 'gpu'],
    env: { ...FEW_ARENAS_ENV, ...SMALL_YOUNG_GENERATION_ENV },
  },
  api: {
    name: 'API',
    log: 'api.log',
    command: ['serve'],
    env: { ...FEW_ARENAS_ENV, ...SMALL_YOUNG_GENERATION_ENV },
  },
} as const;

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
