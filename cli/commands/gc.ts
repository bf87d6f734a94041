/** `frameloom gc`: removes artifacts that have outlived their lifetime. */
import { tmpdir } from 'node:os';
import { Connection } from '@temporalio/client';
import { SettingsError } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';
import { StoreError } from '../../store/artifact-store.ts';
import { type ClassCount, type CollectReport, collectGarbage } from '../../store/collect.ts';
import { parseLifetimes } from '../../store/lifetimes.ts';
import { openPlainStore } from '../../store/open-store.ts';
import { liveJobs } from '../../temporal/grpc/index.ts';
import { type Command, type CommandContext, EXIT_CODES, parseCommandLine, printLine } from '../context.ts';
import { embeddedOptions, findRunningTemporal, startEmbeddedSystem } from '../embedded/index.ts';

const OPTIONS = {
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export const gc: Command = {
  summary: 'remove artifacts that have outlived their lifetime',
  usage: `usage: frameloom gc [--dry-run] [--json]

Removes from the store (FRAMELOOM_STORE) what has outlived the lifetime of its class (FRAMELOOM_LIFETIMES) and what no live
job needs, and prints for each class what it removed and kept. Temporal (TEMPORAL_ADDRESS, else the embedded
one) is asked which jobs are live. Workers do the same every FRAMELOOM_GC_HOURS.
  --dry-run  remove nothing, print what would be
  --json     the counts as JSON`,

  async run(args, context) {
    const { values } = parseCommandLine({ args: [...args], options: OPTIONS });
    const { settings, stdout, signal } = context;
    if (settings.url !== undefined) {
      throw new SettingsError(
        'FRAMELOOM_URL is set, but gc works where the store is: run it there, without it.',
      );
    }
    const lifetimes = parseLifetimes(settings.lifetimes);
    await using temporal = await findTemporal(context);
    const connection = await Connection.connect({
      address: temporal.address,
      ...(settings.temporalApiKey === undefined ? {} : { apiKey: settings.temporalApiKey, tls: true }),
    });
    try {
      const report = await collectGarbage({
        store: openPlainStore(settings, tmpdir()),
        lifetimes,
        live: await liveJobs(connection, settings.temporalNamespace),
        dryRun: values['dry-run'],
        onProgress: () => signal.throwIfAborted(),
      });
      if (values.json) printLine(stdout, JSON.stringify(report, null, 2));
      else printTable(report, values['dry-run'], stdout);
      return EXIT_CODES.complete;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      const code = error.code === 'full' ? 'storage_full' : 'storage_unavailable';
      throw new FrameloomError(code, `The store: ${error.message}.`, { cause: error });
    } finally {
      await connection.close();
    }
  },
};

/** The Temporal that knows the jobs of this store. One that was stopped in the middle of a job has it still, and is started. */
async function findTemporal(
  context: CommandContext,
): Promise<AsyncDisposable & { readonly address: string }> {
  const { env, settings, signal } = context;
  const address = env.TEMPORAL_ADDRESS || (await findRunningTemporal(settings.home));
  if (address) return { address, [Symbol.asyncDispose]: async () => {} };
  const system = await startEmbeddedSystem(embeddedOptions(context, 0), signal);
  return { address: system.temporal, [Symbol.asyncDispose]: system.stop };
}

function printTable(report: CollectReport, dryRun: boolean, stdout: NodeJS.WritableStream): void {
  const total = { removed: 0, removedBytes: 0, kept: 0, keptBytes: 0 };
  const row = (name: string, { removed, removedBytes, kept, keptBytes }: ClassCount): string =>
    [
      name.padEnd(14),
      String(removed).padStart(9),
      size(removedBytes).padStart(11),
      String(kept).padStart(9),
      size(keptBytes).padStart(11),
    ].join(' ');
  const heads = ['class'.padEnd(14), (dryRun ? 'would go' : 'removed').padStart(9), ''.padStart(11)];
  printLine(stdout, [...heads, 'kept'.padStart(9)].join(' '));
  for (const [name, count] of Object.entries(report)) {
    printLine(stdout, row(name, count));
    total.removed += count.removed;
    total.removedBytes += count.removedBytes;
    total.kept += count.kept;
    total.keptBytes += count.keptBytes;
  }
  printLine(stdout, row('all', total));
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
