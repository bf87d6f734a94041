/** `frameloom batch`: many jobs from one file of JSON lines. */
import { ApiError } from '../../../client/index.ts';
import { parseNumber } from '../../arguments/index.ts';
import { connectToServer, type ServerConnection } from '../../connect-to-server.ts';
import {
  type Command,
  type CommandContext,
  EXIT_CODES,
  parseCommandLine,
  UsageError,
} from '../../context.ts';
import { printProblem } from '../../follow-job.ts';
import { BATCH_ACTIONS } from './batch-actions.ts';
import { readBatchFile, runBatch } from './run-batch.ts';
import { parseScheduleAction } from './schedules.ts';

const OPTIONS = {
  out: { type: 'string' },
  'in-flight': { type: 'string' },
  window: { type: 'string' },
  name: { type: 'string', default: '' },
  'fail-fast': { type: 'boolean', default: false },
  cron: { type: 'string' },
  every: { type: 'string' },
  timezone: { type: 'string' },
  paused: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export const batch: Command = {
  summary: 'run and manage batches: many jobs from one JSONL file',
  usage: `usage: frameloom batch run FILE.jsonl --out RESULTS.jsonl [options]
       frameloom batch status|pause|resume|cancel|retry ID [--json]
       frameloom batch results ID [--out RESULTS.jsonl]
       frameloom batch list [--json]
       frameloom batch schedule create FILE.jsonl --cron '0 3 * * *' | --every 6h [options]
       frameloom batch schedule list | show|pause|resume|trigger|delete ID [--json]

  run      start the batch of a file, or continue it: the same file with the same options is the same batch. Each line is
           {"custom_id":"…","method":"POST","url":"/v1/summaries","body":{…}}. After Ctrl-C the batch continues on a server
  status   show the progress
  pause    start no more jobs; resume continues
  cancel   stop running jobs; results so far are kept
  retry    run the lines of an ended batch again that have no result
  results  print output and error lines so far, in the order of the file
  schedule run the batch of a file repeatedly; a run is skipped while the last one is active. trigger starts one now

  --in-flight N   maximum number of concurrent jobs; run the same file again to change it
  --window 24h    jobs not done within this time expire; hours or days
  --fail-fast     start no job if a line is invalid
  --name NAME     makes another batch, or schedule, of the same file
  --timezone ZONE time zone of --cron, such as Europe/Berlin; default UTC
  --paused        create the schedule paused

Exit codes of run: 0 every line has a result, 3 some have none, 1 the batch did not complete, 130 interrupted`,

  async run(args, context) {
    const { values, positionals } = parseCommandLine({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const [action, subject, ...rest] = positionals;
    if (action === undefined)
      throw new UsageError(
        'name an action: run, status, pause, resume, cancel, retry, results, list or schedule.',
      );
    const options = {
      ...values,
      inFlight: parseNumber('--in-flight', values['in-flight']),
      failFast: values['fail-fast'],
    };
    if (action === 'schedule') {
      const run = parseScheduleAction(positionals.slice(1), options);
      return await withServer(context, ({ client }) => run(client, context));
    }
    const isKnown = action === 'run' || Object.hasOwn(BATCH_ACTIONS, action);
    if (!isKnown) throw new UsageError(`unknown action "batch ${action}".`);
    checkSubject(action, subject, rest);
    if (action === 'run') {
      const file = await readBatchFile(subject ?? '', options);
      return await withServer(context, (server) => runBatch(server, file, options, context));
    }
    return await withServer(context, async ({ client }) => {
      await BATCH_ACTIONS[action]?.({ client, id: subject ?? '', options, context });
      return EXIT_CODES.complete;
    });
  },
};

/** Throws UsageError. */
function checkSubject(action: string, subject: string | undefined, rest: readonly string[]): void {
  if ((action === 'list') === (subject === undefined) && rest.length === 0) return;
  if (action === 'list') throw new UsageError('list takes no id.');
  throw new UsageError(action === 'run' ? 'name one file.' : 'name one batch by its id.');
}

/** Connects and runs `use`. Prints ApiErrors. Returns the exit code. */
async function withServer(
  context: CommandContext,
  use: (server: ServerConnection) => Promise<number>,
): Promise<number> {
  await using server = await connectToServer(context);
  try {
    return await use(server);
  } catch (error) {
    if (error instanceof ApiError) return printProblem(error, context);
    throw error;
  }
}
