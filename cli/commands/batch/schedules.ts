/** `frameloom batch schedule`: batches that run repeatedly. */
import { basename } from 'node:path';
import type { FrameloomClient } from '../../../client/index.ts';
import type { BatchSchedule } from '../../../schema/batch-schedule.ts';
import { definedMember } from '../../arguments/index.ts';
import { type CommandContext, EXIT_CODES, printLine, UsageError } from '../../context.ts';
import { createBatchView } from '../../output/index.ts';
import { uploadLocalFile } from '../../upload-local-file.ts';
import { hashFile } from './run-batch.ts';

interface ScheduleOptions {
  readonly cron?: string | undefined;
  readonly every?: string | undefined;
  readonly timezone?: string | undefined;
  readonly paused: boolean;
  readonly inFlight: number | undefined;
  readonly window?: string | undefined;
  readonly name: string;
  readonly json: boolean;
}

interface ScheduleCall {
  readonly client: FrameloomClient;
  /** The file for `create`, empty for `list`, else the id. */
  readonly subject: string;
  readonly options: ScheduleOptions;
  readonly context: CommandContext;
}

type ScheduleAction = (call: ScheduleCall) => Promise<void>;

const ACTIONS: Readonly<Record<string, ScheduleAction>> = {
  create: createSchedule,
  async list({ client, options, context }) {
    const data = await client.listSchedules({ signal: context.signal });
    if (options.json) printLine(context.stdout, JSON.stringify(data, null, 2));
    else for (const schedule of data) printSchedule(schedule, options, context);
    if (data.length === 0) printLine(context.stderr, 'No schedules.');
  },
  async show({ client, subject, options, context }) {
    printSchedule(await client.getSchedule(subject, { signal: context.signal }), options, context);
  },
  pause: changeAction('pauseSchedule'),
  resume: changeAction('resumeSchedule'),
  trigger: changeAction('triggerSchedule'),
  async delete({ client, subject, context }) {
    await client.deleteSchedule(subject, { signal: context.signal });
    printLine(context.stderr, `Deleted ${subject}. Batches that it started continue.`);
  },
};

/**
 * Parses the arguments after `frameloom batch schedule`. Returns a function that runs the action and
 * returns the exit code.
 *
 * @throws UsageError for an unknown action or a wrong number of arguments.
 */
export function parseScheduleAction(
  args: readonly string[],
  options: ScheduleOptions,
): (client: FrameloomClient, context: CommandContext) => Promise<number> {
  const [name = '', subject, ...rest] = args;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined)
    throw new UsageError('name an action of schedule: create, list, show, pause, resume, trigger or delete.');
  if ((name === 'list') !== (subject === undefined) || rest.length > 0) {
    const expected = name === 'create' ? 'name one file.' : 'name one schedule by its id.';
    throw new UsageError(name === 'list' ? 'list takes no id.' : expected);
  }
  return async (client, context) => {
    await action({ client, subject: subject ?? '', options, context });
    return EXIT_CODES.complete;
  };
}

/** The same file with the same options is the same schedule; `--name` makes another one. */
async function createSchedule({ client, subject: path, options, context }: ScheduleCall): Promise<void> {
  const { cron, every, timezone, paused, inFlight, window, name } = options;
  if ((cron === undefined) === (every === undefined))
    throw new UsageError('set the times with --cron "0 3 * * *" or --every 6h.');
  const { signal } = context;
  const hash = await hashFile(path, [
    ...[cron ?? '', every ?? '', timezone ?? '', window ?? '', String(inFlight ?? ''), name],
    paused,
  ]);
  const view = createBatchView(context.stderr, basename(path));
  const uploaded = await uploadLocalFile(client, path, {
    purpose: 'batch',
    signal,
    onProgress: view.showUpload,
  }).finally(view.close);
  const schedule = await client.createSchedule(
    {
      input_file_id: uploaded.id,
      endpoint: '/v1/summaries',
      paused,
      ...definedMember('cron', cron),
      ...definedMember('every', every),
      ...definedMember('timezone', timezone),
      ...definedMember('completion_window', window),
      ...definedMember('max_in_flight', inFlight),
    },
    { idempotencyKey: `frameloom-schedule-${hash}`, signal },
  );
  printSchedule(schedule, options, context);
}

function changeAction(method: 'pauseSchedule' | 'resumeSchedule' | 'triggerSchedule'): ScheduleAction {
  return async ({ client, subject, options, context }) =>
    printSchedule(await client[method](subject, { signal: context.signal }), options, context);
}

function printSchedule(schedule: BatchSchedule, { json }: ScheduleOptions, { stdout }: CommandContext): void {
  if (json) {
    printLine(stdout, JSON.stringify(schedule, null, 2));
    return;
  }
  const { id, cron, every, timezone, next_at: nextAt, recent, status, lines } = schedule;
  const times = cron === null ? `every ${every}` : `${cron} ${timezone ?? 'UTC'}`;
  const next = nextAt === null ? 'no more runs' : `next ${formatMinute(nextAt)}`;
  const [latest] = recent;
  const last = latest ? `, last ${formatMinute(latest.fired_at)} ${latest.batch_id}` : '';
  printLine(stdout, `${id}  ${times}  ${lines} lines, ${status === 'paused' ? 'paused' : next}${last}`);
}

/** `YYYY-MM-DD hh:mm` in UTC, from Unix seconds. */
function formatMinute(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}
