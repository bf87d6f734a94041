/** By default glibc retains freed memory in one arena per thread: 17 of them in a GPU worker. */
const FEW_ARENAS_ENV = { MALLOC_ARENA_MAX: '2' } as const;

/**
 * For processes that handle images: returns the memory of large images to the system when it is freed. With
 * a deck of 200 pages the CPU worker peaks at 620 MiB instead of 890, at the same speed.
 */
export const IMAGE_MEMORY_ENV = { ...FEW_ARENAS_ENV, MALLOC_MMAP_THRESHOLD_: '1048576' } as const;

/**
 * By default V8's young generation grows to 32 MiB. With this limit, and at the same speed, the peak memory
 * after one and after twelve hours of video is 131 and 143 MB instead of 164 and 181 for the API, and 158 and
 * 162 instead of 228 and 242 for the GPU worker.
 */
const SMALL_YOUNG_GENERATION_ENV = { NODE_OPTIONS: '--max-semi-space-size=4' } as const;

/**
 * The processes of a deployment: the arguments of `frameloom` that start each, and its default environment,
 * which settings of the operator override. The same as in deploy/.
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

/**
 * A second CPU worker, for videos: they are decoded in a process of their own at low priority, so that short
 * work of other jobs does not wait for it.
 */
export const DECODE_WORKER = { ...ROLES.cpu, name: 'decode worker', log: 'worker-decode.log' } as const;

/** What a process sends to its supervisor by IPC when it is ready for use. */
export interface ReadyMessage {
  readonly type: 'ready';
  /** Address of the API; workers have none. */
  readonly url?: string;
}

export function isReadyMessage(message: unknown): message is ReadyMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}
