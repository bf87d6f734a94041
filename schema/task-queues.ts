/** One task queue per resource class: a worker process polls those it has the means for. */
export const TASK_QUEUES = { workflow: 'workflow', cpu: 'cpu', gpu: 'gpu' } as const;

/**
 * Seconds in which a worker has to answer a workflow task; when it is killed, the task goes to another after them. Temporal's own limit is 10. The longest
 * thing in it is to replay a history from its beginning, for which see workflows/chain.ts.
 */
export const WORKFLOW_TASK_SECONDS = 4;
