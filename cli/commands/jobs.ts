/** `frameloom jobs`: lists and manages jobs on a server. */
import { ApiError } from '../../client/index.ts';
import type { Job } from '../../schema/job.ts';
import { connectToServer, type ServerConnection } from '../connect-to-server.ts';
import {
  type Command,
  type CommandContext,
  EXIT_CODES,
  parseCommandLine,
  printLine,
  UsageError,
} from '../context.ts';
import { followJob, printOutcome, printProblem } from '../follow-job.ts';
import { createProgressView } from '../output/index.ts';
import { deleteUploadedFiles } from '../uploaded-files.ts';

const OPTIONS = {
  limit: { type: 'string', default: '20' },
  json: { type: 'boolean', default: false },
  status: { type: 'string' },
  type: { type: 'string' },
  'custom-id': { type: 'string' },
  'created-after': { type: 'string' },
  'created-before': { type: 'string' },
} as const;

export const jobs: Command = {
  summary: 'list, show, follow, cancel, retry or delete jobs',
  usage: `usage: frameloom jobs list [--limit N] [--status STATUS] [--type video|deck|images] [--custom-id ID]
                                [--created-after TIME] [--created-before TIME] [--json]
       frameloom jobs get|watch|cancel|retry|delete ID [--json]

  list     list jobs, newest first
  get      show a job and, once it has ended, its result
  watch    follow a job to its end, with the output and exit codes of summarize
  cancel   stop a job
  retry    run a job with gaps, or one that failed or was cancelled, again; finished work is reused
  delete   delete a job with all its content, also the files that summarize uploaded for it; a running job is
           cancelled first

TIME is RFC 3339, such as 2026-11-01T00:00:00Z, or Unix seconds.`,

  async run(args, context) {
    const { values, positionals } = parseCommandLine({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const [action, id, ...rest] = positionals;
    if (action === undefined)
      throw new UsageError('name an action: list, get, watch, cancel, retry or delete.');
    const isList = action === 'list';
    if (!isList && !Object.hasOwn(ACTIONS, action)) throw new UsageError(`unknown action "jobs ${action}".`);
    if (isList !== (id === undefined) || rest.length > 0) {
      throw new UsageError(isList ? 'list takes no id.' : 'name one job by its id.');
    }
    const limit = Number(values.limit);
    if (!Number.isInteger(limit) || limit < 1)
      throw new UsageError(`--limit ${values.limit} is not a positive number.`);
    await using server = await connectToServer(context);
    try {
      if (id === undefined) {
        const filters = {
          ...{ status: values.status, type: values.type, custom_id: values['custom-id'] },
          ...{ created_after: values['created-after'], created_before: values['created-before'] },
        };
        return await listJobs(server, { limit, filters, json: values.json }, context);
      }
      return (await ACTIONS[action]?.(server, id, values.json, context)) ?? EXIT_CODES.usage;
    } catch (error) {
      if (error instanceof ApiError) return printProblem(error, context);
      throw error;
    }
  },
};

type Action = (
  server: ServerConnection,
  id: string,
  json: boolean,
  context: CommandContext,
) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = {
  async get({ client }, id, json, context) {
    const job = await client.getSummary(id, { signal: context.signal });
    if (json) printLine(context.stdout, JSON.stringify(job, null, 2));
    else {
      printLine(context.stdout, formatJob(job));
      if (job.result !== null || job.error !== null) {
        printLine(context.stdout);
        printOutcome(job, context, false);
      }
    }
    return EXIT_CODES.complete;
  },

  async watch({ client }, id, json, context) {
    const view = createProgressView(context.stderr, id.slice(0, 12));
    try {
      const job = await followJob(client, id, view, context.signal);
      view.close();
      return printOutcome(job, context, json);
    } catch (error) {
      view.close();
      if (context.signal.aborted) return EXIT_CODES.interrupted;
      throw error;
    }
  },

  async cancel({ client }, id, json, { stdout, signal }) {
    const job = await client.cancelSummary(id, { signal });
    printLine(stdout, json ? JSON.stringify(job, null, 2) : formatJob(job));
    return EXIT_CODES.complete;
  },

  async retry({ client }, id, json, { stdout, signal }) {
    const job = await client.retrySummary(id, { signal });
    printLine(stdout, json ? JSON.stringify(job, null, 2) : formatJob(job));
    return EXIT_CODES.complete;
  },

  async delete({ client }, id, _json, { stderr, signal }) {
    // The files first: if this is interrupted, the job can be named again.
    await deleteUploadedFiles(client, id, signal);
    await client.deleteSummary(id, { signal });
    printLine(stderr, `Deleted ${id}.`);
    return EXIT_CODES.complete;
  },
};

type JobFilters = Omit<
  NonNullable<Parameters<ServerConnection['client']['listSummaries']>[0]>,
  'limit' | 'cursor' | 'signal'
>;

async function listJobs(
  { client }: ServerConnection,
  { limit, filters, json }: { readonly limit: number; readonly filters: JobFilters; readonly json: boolean },
  { stdout, stderr, signal }: CommandContext,
): Promise<number> {
  const found: Job[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof client.listSummaries>> = await client.listSummaries({
      signal,
      ...filters,
      limit: Math.min(100, limit - found.length),
      ...(cursor === null ? {} : { cursor }),
    });
    found.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null && found.length < limit);
  if (json) printLine(stdout, JSON.stringify(found, null, 2));
  else for (const job of found) printLine(stdout, formatJob(job));
  if (found.length === 0) printLine(stderr, 'No jobs.');
  return EXIT_CODES.complete;
}

function formatJob({ id, status, progress, created_at, custom_id, request }: Job): string {
  const percent = `${Math.floor(progress.percent)}%`.padStart(4);
  const name = custom_id === null ? '' : `  ${custom_id}`;
  return `${id}  ${created_at.slice(0, 19).replace('T', ' ')}  ${status.padEnd(19)} ${percent}  ${request.source.type}${name}`;
}
