/** One task queue per resource class: a worker process polls those it has the means for. */
export const TASK_QUEUES = { workflow: 'workflow', cpu: 'cpu', gpu: 'gpu' } as const;
