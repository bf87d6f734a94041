/** `frameloom batch`: backfills, many jobs from one file of JSON lines. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, openAsBlob } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type FrameloomClient } from '../../../client/index.ts';
import { FrameloomError } from '../../../core/errors.ts';
import { type Batch, isFinalBatchStatus } from '../../../schema/batch.ts';
import { definedMember, parseNumber } from '../../arguments/index.ts';
import { connectToServer, type ServerConnection } from '../../connect-to-server.ts';
import {
  type Command,
  type CommandContext,
  EXIT_CODES,
  parseCommandLine,
  printLine,
  UsageError,
} from '../../context.ts';
import { printProblem } from '../../follow-job.ts';
import { createBatchView, formatBatchCounts } from '../../output/index.ts';
import { scheduleAction } from './schedules.ts';

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

/** Milliseconds between looks at a batch that runs. */
const LOOK_EVERY = 1000;
const INTERRUPTED = 130;

export const batch: Command = {
  summary: 'run, watch or change backfills: many jobs from one JSONL file',
  usage: `usage: frameloom batch run FILE.jsonl --out RESULTS.jsonl [options]
       frameloom batch status|pause|resume|cancel|retry ID [--json]
       frameloom batch results ID [--out RESULTS.jsonl]
       frameloom batch list [--json]
       frameloom batch schedule create FILE.jsonl --cron '0 3 * * *' | --every 6h [options]
       frameloom batch schedule list | show|pause|resume|trigger|delete ID [--json]

  run      start the batch of a file, or go on with it: the same file again is the same batch. Each line is
           {"custom_id":"…","method":"POST","url":"/v1/summaries","body":{…}}. Ctrl-C leaves it running.
  status   how far it is
  pause    begin nothing more; resume goes on
  cancel   stop what runs; what is done stays
  retry    of a batch that has ended, run again what has no result
  results  output and error lines so far, in the order of the file
  schedule begin a batch of a file again and again; while one runs, the next is left out. trigger begins one now

  --in-flight N   most jobs under way at once; can be changed by running the same file again
  --window 24h    what is not done by then expires; hours or days
  --fail-fast     start nothing where a line is bad
  --name NAME     another batch, or schedule, of the same file
  --timezone ZONE of --cron, such as Europe/Berlin; default UTC
  --paused        the schedule waits to be resumed

exit codes of run: 0 every line has a result, 3 some have none, 1 the batch did not complete, 130 left running`,

  async run(args, context) {
    const { values, positionals } = parseCommandLine({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const [action, subject, ...rest] = positionals;
    if (action === undefined)
      throw new UsageError('say run, status, pause, resume, cancel, retry, results, list or schedule.');
    if (action === 'schedule') {
      const act = scheduleAction([subject, ...rest].filter((word) => word !== undefined));
      const { cron, every, timezone, paused } = values;
      const wanted = { ...readOptions(values), cron, every, timezone, paused };
      return await asked(context, ({ client }) => act({ client, options: wanted, context }));
    }
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (act === undefined) throw new UsageError(`there is no "batch ${action}".`);
    if ((action === 'list') !== (subject === undefined) || rest.length > 0) {
      throw new UsageError(
        action === 'list'
          ? 'list takes no id.'
          : action === 'run'
            ? 'name one file.'
            : 'name one batch by its id.',
      );
    }
    const options = readOptions(values);
    const file = action === 'run' ? await readPlan(subject ?? '', options) : undefined;
    return await asked(context, (server) => act({ server, subject: subject ?? '', options, file, context }));
  },
};

/** Answers with what `use` does with the server; what the server refuses is printed. */
async function asked(
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

interface Options {
  readonly out: string | undefined;
  readonly inFlight: number | undefined;
  readonly window: string | undefined;
  readonly name: string;
  readonly failFast: boolean;
  readonly json: boolean;
}

/** A file to run, and the key by which it is the same batch again. */
interface Plan {
  readonly path: string;
  readonly out: string;
  readonly key: string;
}

interface Call {
  readonly server: ServerConnection;
  readonly subject: string;
  readonly options: Options;
  readonly file: Plan | undefined;
  readonly context: CommandContext;
}

const ACTIONS: Readonly<Record<string, (call: Call) => Promise<number>>> = {
  run,

  async status({ server: { client }, subject, options, context }) {
    print(await client.getBatch(subject, { signal: context.signal }), options, context);
    return EXIT_CODES.complete;
  },

  pause: batchAction('pauseBatch'),
  resume: batchAction('resumeBatch'),
  cancel: batchAction('cancelBatch'),
  retry: batchAction('retryBatch'),

  async results({ server: { client }, subject, options: { out }, context }) {
    const { stdout, signal } = context;
    if (out !== undefined) await writeResults(client, subject, out, signal);
    else for await (const chunk of await client.getBatchResults(subject, { signal })) stdout.write(chunk);
    return EXIT_CODES.complete;
  },

  async list({ server: { client }, options, context }) {
    const { data } = await client.listBatches({ signal: context.signal, limit: 100 });
    if (options.json) printLine(context.stdout, JSON.stringify(data, null, 2));
    else for (const found of data) print(found, options, context);
    if (data.length === 0) printLine(context.stderr, 'There are no batches.');
    return EXIT_CODES.complete;
  },
};

function batchAction(method: 'pauseBatch' | 'resumeBatch' | 'cancelBatch' | 'retryBatch') {
  return async ({ server: { client }, subject, options, context }: Call): Promise<number> => {
    print(await client[method](subject, { signal: context.signal }), options, context);
    return EXIT_CODES.complete;
  };
}

/** Starts the batch or finds it, follows it to its end, and writes its results. */
async function run({ server, options, file, context }: Call): Promise<number> {
  if (file === undefined) throw new UsageError('name one file.');
  const { client } = server;
  const { stderr, signal } = context;
  const view = createBatchView(stderr, basename(file.path));
  let id: string | undefined;
  try {
    let found = await begin(client, file, options, signal);
    id = found.id;
    for (;;) {
      view.show(found);
      if (isFinalBatchStatus(found.status)) break;
      await sleep(LOOK_EVERY, undefined, { signal });
      found = await client.getBatch(id, { signal });
    }
    await writeResults(client, id, file.out, signal);
    view.close();
    return printEnd(found, file, context);
  } catch (error) {
    view.close();
    if (!signal.aborted) throw error;
    printLine(stderr, farewell(id, file, server.embedded));
    return INTERRUPTED;
  }
}

async function begin(
  client: FrameloomClient,
  { path, key }: Plan,
  { inFlight, window, failFast }: Options,
  signal: AbortSignal,
): Promise<Batch> {
  const uploaded = await client.uploadFile(await openAsBlob(path), basename(path), {
    purpose: 'batch',
    signal,
  });
  const found = await client.createBatch(
    {
      input_file_id: uploaded.id,
      endpoint: '/v1/summaries',
      fail_fast: failFast,
      ...definedMember('completion_window', window),
      ...definedMember('max_in_flight', inFlight),
    },
    { idempotencyKey: key, signal },
  );
  if (inFlight === undefined || found.max_in_flight === inFlight || isFinalBatchStatus(found.status))
    return found;
  return await client.updateBatch(found.id, { max_in_flight: inFlight }, { signal });
}

async function writeResults(
  client: FrameloomClient,
  id: string,
  out: string,
  signal: AbortSignal,
): Promise<void> {
  const results = await client.getBatchResults(id, { signal });
  // A reader of the file finds all of it, or what was there before.
  const part = `${out}.part`;
  await pipeline(Readable.from(results), createWriteStream(part), { signal });
  await rename(part, out);
}

function printEnd(ended: Batch, { out }: Plan, { stderr }: CommandContext): number {
  const { total, completed } = ended.request_counts;
  printLine(stderr, `${formatBatchCounts(ended)}. Results: ${out}`);
  if (completed < total && ended.status !== 'failed')
    printLine(stderr, `frameloom batch retry ${ended.id} runs again what has no result.`);
  if (ended.status !== 'completed') return EXIT_CODES.failed;
  return completed === total ? EXIT_CODES.complete : EXIT_CODES.gaps;
}

/** What is said to somebody who leaves before the end. */
function farewell(id: string | undefined, { path, out }: Plan, embedded: boolean): string {
  const again = `frameloom batch run ${path} --out ${out}`;
  if (id === undefined) return `Nothing is lost; start it with: ${again}`;
  // The embedded system ends with the command.
  if (embedded) return `The batch waits where it is. It goes on with: ${again}`;
  return `The batch goes on. Come back to it with: ${again}\nOr look at it with: frameloom batch status ${id}`;
}

/** Reads the file once for its hash. Throws FrameloomError where it is not there. */
async function readPlan(path: string, { out, window, name, failFast }: Options): Promise<Plan> {
  if (out === undefined) throw new UsageError('say where results go with --out RESULTS.jsonl.');
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) throw new FrameloomError('source_missing', `There is no file ${path}.`);
  const hash = createHash('sha256').update(JSON.stringify([window ?? '', name, failFast]));
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return { path, out, key: `frameloom-batch-${hash.digest('hex')}` };
}

function readOptions(values: {
  readonly out?: string | undefined;
  readonly 'in-flight'?: string | undefined;
  readonly window?: string | undefined;
  readonly name: string;
  readonly 'fail-fast': boolean;
  readonly json: boolean;
}): Options {
  const inFlight = parseNumber('--in-flight', values['in-flight']);
  return {
    out: values.out,
    inFlight,
    window: values.window,
    name: values.name,
    failFast: values['fail-fast'],
    json: values.json,
  };
}

function print(found: Batch, { json }: Options, { stdout }: CommandContext): void {
  if (json) {
    printLine(stdout, JSON.stringify(found, null, 2));
    return;
  }
  const created = new Date(found.created_at * 1000).toISOString().slice(0, 19).replace('T', ' ');
  printLine(stdout, `${found.id}  ${created}  ${formatBatchCounts(found)}`);
}
