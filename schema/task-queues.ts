/**
 * One task queue per resource class. A worker process polls the queues for which it has the resources. CPU workers poll
 * `cpu` and `decode`, with slots of their own for each: `decode` has the activities that take as long as the source is,
 * so that none of them occupies the slot which a short one waits for.
 */
export const TASK_QUEUES = { workflow: 'workflow', cpu: 'cpu', decode: 'decode', gpu: 'gpu' } as const;

/**
 * Workflow task timeout in seconds; Temporal's default is 10. The task of a killed worker goes to another
 * worker after this time. The longest workflow task replays a history from its start; see workflows/chain.ts.
 */
export const WORKFLOW_TASK_SECONDS = 4;
