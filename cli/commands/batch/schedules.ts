/** `frameloom batch schedule`: backfills that come again. */
import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FrameloomClient } from '../../../client/index.ts';
import { FrameloomError } from '../../../core/errors.ts';
import type { BatchSchedule } from '../../../schema/batch-schedule.ts';
import { definedMember } from '../../arguments/index.ts';
import { type CommandContext, EXIT_CODES, printLine, UsageError } from '../../context.ts';

interface ScheduleOptions {
  readonly cron: string | undefined;
  readonly every: string | undefined;
  readonly timezone: string | undefined;
  readonly paused: boolean;
  readonly inFlight: number | undefined;
  readonly window: string | undefined;
  readonly name: string;
  readonly json: boolean;
}

interface ScheduleCall {
  readonly client: FrameloomClient;
  /** File of `create`, id of all others but `list`. */
  readonly subject: string;
  readonly options: ScheduleOptions;
  readonly context: CommandContext;
}

type Act = (call: ScheduleCall) => Promise<void>;

const ACTIONS: Readonly<Record<string, Act>> = {
  create,
  async list({ client, options, context }) {
    const data = await client.listSchedules({ signal: context.signal });
    if (options.json) printLine(context.stdout, JSON.stringify(data, null, 2));
    else for (const found of data) print(found, options, context);
    if (data.length === 0) printLine(context.stderr, 'There are no schedules.');
  },
  async show({ client, subject, options, context }) {
    print(await client.getSchedule(subject, { signal: context.signal }), options, context);
  },
  pause: action('pauseSchedule'),
  resume: action('resumeSchedule'),
  trigger: action('triggerSchedule'),
  async delete({ client, subject, context }) {
    await client.deleteSchedule(subject, { signal: context.signal });
    printLine(context.stderr, `${subject} is gone. Batches that it has begun go on.`);
  },
};

/** What `frameloom batch schedule WORDS…` shall do. Throws UsageError. */
export function scheduleAction(
  words: readonly string[],
): (call: Omit<ScheduleCall, 'subject'>) => Promise<number> {
  const [verb = '', subject, ...rest] = words;
  const act = Object.hasOwn(ACTIONS, verb) ? ACTIONS[verb] : undefined;
  if (act === undefined)
    throw new UsageError('say schedule create, list, show, pause, resume, trigger or delete.');
  if ((verb === 'list') !== (subject === undefined) || rest.length > 0) {
    const one = verb === 'create' ? 'name one file.' : 'name one schedule by its id.';
    throw new UsageError(verb === 'list' ? 'list takes no id.' : one);
  }
  return async (call) => {
    await act({ ...call, subject: subject ?? '' });
    return EXIT_CODES.complete;
  };
}

/** The same file at the same times is the same schedule; `--name` makes another one of it. */
async function create({ client, subject: path, options, context }: ScheduleCall): Promise<void> {
  const { cron, every, timezone, paused, inFlight, window, name } = options;
  if ((cron === undefined) === (every === undefined))
    throw new UsageError('say when: --cron "0 3 * * *" or --every 6h.');
  const { signal } = context;
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) throw new FrameloomError('source_missing', `There is no file ${path}.`);
  const parts = [cron ?? '', every ?? '', timezone ?? '', window ?? '', String(inFlight ?? ''), name];
  const hash = createHash('sha256').update(JSON.stringify([...parts, paused]));
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  const uploaded = await client.uploadFile(await openAsBlob(path), basename(path), {
    purpose: 'batch',
    signal,
  });
  const made = await client.createSchedule(
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
    { idempotencyKey: `frameloom-schedule-${hash.digest('hex')}`, signal },
  );
  print(made, options, context);
}

function action(method: 'pauseSchedule' | 'resumeSchedule' | 'triggerSchedule'): Act {
  return async ({ client, subject, options, context }) =>
    print(await client[method](subject, { signal: context.signal }), options, context);
}

function print(found: BatchSchedule, { json }: ScheduleOptions, { stdout }: CommandContext): void {
  if (json) {
    printLine(stdout, JSON.stringify(found, null, 2));
    return;
  }
  const when = found.cron === null ? `every ${found.every}` : `${found.cron} ${found.timezone ?? 'UTC'}`;
  const next = found.next_at === null ? 'fires no more' : `next ${timeText(found.next_at)}`;
  const [latest] = found.recent;
  const last = latest ? `, last ${timeText(latest.fired_at)} ${latest.batch_id}` : '';
  const state = found.status === 'paused' ? 'paused' : next;
  printLine(stdout, `${found.id}  ${when}  ${found.lines} lines, ${state}${last}`);
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}
