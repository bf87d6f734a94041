/**
 * Lists jobs by their creation, newest first. The visibility store of a small Temporal server orders runs by
 * their end, and only some stores can be asked for another order. So a page is read as a window of creation
 * times that has enough runs but not many more, and is ordered here.
 */
import { digest } from '../core/canonical-json.ts';
import { FrameloomError } from '../core/errors.ts';
import type { JobId } from '../schema/ids.ts';
import type { JobStatus } from '../schema/job.ts';
import { CREATED_ATTRIBUTE, CUSTOM_ID_ATTRIBUTE, TYPE_ATTRIBUTE } from '../schema/search-attributes.ts';
import { isClosed, type JobRecord, type ListInput, statusOf } from './orchestrator.ts';
import type { RunInfo, TemporalWire } from './wire.ts';

/** The largest number of runs that one query returns. */
const PAGE_RUNS = 250;
/** Halvings of a window with too many runs. */
const MAX_HALVINGS = 12;
/** Windows that are searched for jobs with a status that only their memo has. A page may then be short. */
const MAX_WINDOWS = 5;

export interface JobPage {
  readonly records: readonly JobRecord[];
  readonly nextCursor?: string;
}

interface JobLister {
  readonly wire: TemporalWire;
  readonly recordOf: (run: RunInfo) => JobRecord;
  /** A query for the last runs of the tenant's jobs. */
  readonly query: string;
}

/** A place in the list: behind the job with this time of creation, in milliseconds, and id. */
interface Place {
  readonly created: number;
  readonly id: string;
}

/** @throws FrameloomError `invalid_request` for an invalid cursor */
export async function listJobs(lister: JobLister, input: ListInput): Promise<JobPage> {
  const { tenant, limit, cursor, status } = input;
  const query = `${lister.query}${filterQuery(input)}`;
  let place = cursor === undefined ? undefined : await readCursor(tenant, cursor);
  const records: JobRecord[] = [];
  for (let windows = 0; windows < MAX_WINDOWS; windows += 1) {
    const { behind, isLast } = await readWindow({ ...lister, query }, place, limit);
    const current = await onlyLatestRuns(lister, behind.slice(0, limit));
    for (const record of current) {
      if (status === undefined || statusOf(record) === status) records.push(record);
      if (records.length < limit) continue;
      place = placeOf(record);
      const isEnd = isLast && behind.at(-1)?.id === record.id;
      return isEnd ? { records } : { records, nextCursor: await writeCursor(tenant, place) };
    }
    if (isLast && behind.length <= limit) return { records };
    const last = behind[Math.min(limit, behind.length) - 1];
    if (!last) return { records };
    place = placeOf(last);
  }
  return place ? { records, nextCursor: await writeCursor(tenant, place) } : { records };
}

const STATES: Readonly<Record<JobStatus, readonly string[]>> = {
  queued: ['Running'],
  processing: ['Running'],
  cancelling: ['Running'],
  completed: ['Completed'],
  completed_with_gaps: ['Completed'],
  failed: ['Failed', 'TimedOut'],
  cancelled: ['Canceled', 'Terminated'],
};

/** All values are of closed sets, numbers, or hex digits. */
function filterQuery({ status, type, customIdKey, createdAfter, createdBefore }: ListInput): string {
  const states = status && STATES[status].map((state) => `ExecutionStatus='${state}'`).join(' OR ');
  const parts = [
    ...(states ? [`(${states})`] : []),
    ...(type ? [`${TYPE_ATTRIBUTE}='${type}'`] : []),
    ...(customIdKey ? [`${CUSTOM_ID_ATTRIBUTE}='${customIdKey}'`] : []),
    ...(createdAfter === undefined ? [] : [`${CREATED_ATTRIBUTE}>${createdAfter}`]),
    ...(createdBefore === undefined ? [] : [`${CREATED_ATTRIBUTE}<${createdBefore}`]),
  ];
  return parts.map((part) => ` AND ${part}`).join('');
}

/** The newest records behind `place`, at least `limit` unless there are fewer, in order. */
async function readWindow(
  { wire, recordOf, query }: JobLister,
  place: Place | undefined,
  limit: number,
): Promise<{ readonly behind: readonly JobRecord[]; readonly isLast: boolean }> {
  const until = place ? `${query} AND ${CREATED_ATTRIBUTE}<=${place.created}` : query;
  const inOrder = (found: readonly RunInfo[]): JobRecord[] =>
    newestFirst(found.map(recordOf)).filter((record) => !place || compare(placeOf(record), place) > 0);
  const first = await wire.list({ query: until, pageSize: PAGE_RUNS });
  if (first.next === undefined) return { behind: inOrder(first.runs), isLast: true };
  const some = inOrder(first.runs);
  const oldest = some[Math.min(limit, some.length) - 1];
  let from = oldest ? placeOf(oldest).created : 0;
  let end = place?.created ?? Date.now();
  for (let halvings = 0; halvings < MAX_HALVINGS && end - from > 1; halvings += 1) {
    if ((await wire.count(`${until} AND ${CREATED_ATTRIBUTE}>=${from}`)) <= PAGE_RUNS) break;
    const middle = Math.ceil((from + end) / 2);
    const isEnough = (await wire.count(`${until} AND ${CREATED_ATTRIBUTE}>=${middle}`)) > limit;
    if (isEnough) from = middle;
    else end = middle;
  }
  const runs: RunInfo[] = [];
  let next: string | undefined;
  do {
    const page = await wire.list({
      query: `${until} AND ${CREATED_ATTRIBUTE}>=${from}`,
      pageSize: PAGE_RUNS,
      ...(next === undefined ? {} : { from: next }),
    });
    runs.push(...page.runs);
    next = page.next;
  } while (next !== undefined);
  return { behind: inOrder(runs), isLast: false };
}

/** Leaves out runs that a retry has followed. Only jobs that can be retried need a query. */
async function onlyLatestRuns(
  { wire, recordOf }: JobLister,
  records: readonly JobRecord[],
): Promise<readonly JobRecord[]> {
  const ids = records
    .filter((record) => isClosed(record) && statusOf(record) !== 'completed')
    .map(({ id }) => id);
  if (ids.length === 0) return records;
  const idList = [...new Set(ids)].map((id) => `'${id}'`).join(',');
  const { runs } = await wire.list({
    query: `WorkflowId IN (${idList}) AND ExecutionStatus!='ContinuedAsNew'`,
    pageSize: 1000,
  });
  const latest = new Map<JobId, JobRecord>();
  for (const record of newestFirst(runs.map(recordOf))) {
    if (!latest.has(record.id)) latest.set(record.id, record);
  }
  return records.filter(({ id, run }) => (latest.get(id)?.run ?? run) === run);
}

function placeOf({ createdAt, id }: JobRecord): Place {
  return { created: Date.parse(createdAt), id };
}

function newestFirst(records: readonly JobRecord[]): JobRecord[] {
  const byRun = new Map(records.map((record) => [`${record.id} ${record.run}`, record]));
  return [...byRun.values()].sort((a, b) => compare(placeOf(a), placeOf(b)));
}

function compare(a: Place, b: Place): number {
  return b.created - a.created || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

/** A cursor names a job, so it stays valid, and has a digest, so that it is not used for another tenant. */
async function writeCursor(tenant: string, { created, id }: Place): Promise<string> {
  const place = `${created}.${id}`;
  return `${(await digest([tenant, place])).slice(0, 16)}.${place}`;
}

async function readCursor(tenant: string, cursor: string): Promise<Place> {
  const [, created = '', id = ''] = cursor.split('.');
  const place = { created: Number(created), id };
  if (cursor !== (await writeCursor(tenant, place)) || !Number.isSafeInteger(place.created)) {
    throw new FrameloomError('invalid_request', 'The cursor does not belong to this list.');
  }
  return place;
}
