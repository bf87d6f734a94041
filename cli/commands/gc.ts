/** `frameloom gc`: deletes artifacts past their lifetime. */
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
  summary: 'delete artifacts past their lifetime',
  usage: `usage: frameloom gc [--dry-run] [--json]

Deletes artifacts from the store (FRAMELOOM_STORE) that are past the lifetime of their class (FRAMELOOM_LIFETIMES) and
that no live job needs, and prints the counts per class. Live jobs are read from Temporal (TEMPORAL_ADDRESS, else the
embedded server). Workers do the same every FRAMELOOM_GC_HOURS.
  --dry-run  delete nothing, print what would be deleted
  --json     print the counts as JSON`,

  async run(args, context) {
    const { values } = parseCommandLine({ args: [...args], options: OPTIONS });
    const { settings, stdout, signal } = context;
    if (settings.url !== undefined) {
      throw new SettingsError(
        'gc needs direct access to the store: unset FRAMELOOM_URL and run it where the store is.',
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

/**
 * Returns the Temporal server with the jobs of this store. Starts the embedded one if needed: it may have
 * unfinished jobs.
 */
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
  const heads = ['class'.padEnd(14), (dryRun ? 'to remove' : 'removed').padStart(9), ''.padStart(11)];
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
