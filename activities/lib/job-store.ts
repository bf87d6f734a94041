/**
 * The store as the activities of a job see it: the content of its tenant only, and what they find or make is
 * recorded as used by the job. An activity whose job was deleted meanwhile leaves nothing behind.
 */
import { Context } from '@temporalio/activity';
import { FrameloomError } from '../../core/errors.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { requestName } from '../../store/names.ts';
import { removeJob } from '../../store/remove.ts';
import { scopeOf, withFilesOf } from '../../store/tenant-view.ts';
import { holdingView } from '../../store/uses.ts';
import { readStoredRequest } from './request.ts';

/** Jobs whose activities are kept, with what they have cached: a worker serves several at a time. */
const MAX_JOBS = 64;

/** Holder of the uses of a job or an estimate, and the id that names its artifacts. */
interface JobIds {
  readonly holder: string;
  readonly jobId: string;
}

/**
 * Returns the activities of `create`, each of which runs on the view of its job. `create` is called once per
 * run of a job.
 */
export function forEachJob<T extends object>(store: ArtifactStore, create: (view: ArtifactStore) => T): T {
  const byRun = new Map<string, Promise<T>>();

  async function open({ holder, jobId }: JobIds): Promise<T> {
    const { tenant } = await readStoredRequest(store, jobId);
    return create(withFilesOf(store, holdingView(store, scopeOf(store, tenant), holder)));
  }

  async function activitiesOf(ids: JobIds, run: string): Promise<T> {
    const known = byRun.get(run);
    if (known !== undefined) return known;
    const opened = open(ids);
    opened.catch(() => byRun.delete(run));
    const [oldest] = byRun.keys();
    if (byRun.size >= MAX_JOBS && oldest !== undefined) byRun.delete(oldest);
    byRun.set(run, opened);
    return opened;
  }

  const plain = create(store);
  const bound = Object.keys(plain).map((name) => [
    name,
    async (input: unknown): Promise<unknown> => {
      const { workflowId = '', runId = '' } = Context.current().info.workflowExecution ?? {};
      const ids = idsOf(workflowId);
      if (!ids) return await call(plain, name, input);
      await requireJob(store, ids.jobId);
      try {
        return await call(await activitiesOf(ids, `${workflowId}/${runId}`), name, input);
      } finally {
        if (await isDeleted(store, ids.jobId)) await removeJob(store, ids.jobId, ids.holder);
      }
    },
  ]);
  return Object.fromEntries(bound) as T; // the same names with the same signatures
}

/** Undefined for activities that belong to no job. */
function idsOf(workflowId: string): JobIds | undefined {
  if (workflowId.startsWith('sum_')) return { holder: workflowId, jobId: workflowId };
  // The artifacts of an estimate are named by an id that no job has (schema/ids.ts).
  if (workflowId.startsWith('est_'))
    return { holder: workflowId, jobId: workflowId.replace(/^est_/, 'sum_') };
  return undefined;
}

function call(activities: object, name: string, input: unknown): Promise<unknown> {
  const activity = (activities as Record<string, (input: unknown) => Promise<unknown>>)[name]; // by Object.keys above
  if (!activity) throw new TypeError(`no activity ${name}`);
  return activity(input);
}

/** @throws FrameloomError `not_found` when the job was deleted: nothing may be written for it any more */
async function requireJob(store: ArtifactStore, jobId: string): Promise<void> {
  if (await isDeleted(store, jobId)) throw new FrameloomError('not_found', 'The job was deleted.');
}

async function isDeleted(store: ArtifactStore, jobId: string): Promise<boolean> {
  return (await store.head(requestName(jobId))) === undefined;
}
