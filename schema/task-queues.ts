/** One task queue per resource class. A worker process polls the queues for which it has the resources. */
export const TASK_QUEUES = { workflow: 'workflow', cpu: 'cpu', gpu: 'gpu' } as const;

/**
 * Workflow task timeout in seconds; Temporal's default is 10. The task of a killed worker goes to another
 * worker after this time. The longest workflow task replays a history from its start; see workflows/chain.ts.
 */
export const WORKFLOW_TASK_SECONDS = 4;
