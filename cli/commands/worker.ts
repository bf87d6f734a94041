/** `frameloom worker cpu|gpu`: runs one worker process of a deployment. */
import { utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERRORS, FrameloomError } from '../../core/errors.ts';
import {
  type Command,
  type CommandContext,
  EXIT_CODES,
  parseCommandLine,
  printLine,
  UsageError,
} from '../context.ts';
import type { ReadyMessage } from '../embedded/index.ts';

/** Interval of the liveness file; deploy/healthcheck.mjs fails when it is three times as old. */
const LIVENESS_INTERVAL_MS = 10_000;

export const worker: Command = {
  summary: 'run one worker of a deployment',
  usage: `usage: frameloom worker cpu|gpu|promote

Polls Temporal (TEMPORAL_ADDRESS) for work until SIGTERM or Ctrl-C, after which activities in flight are finished or
checkpointed.
  cpu   workflows, decoding, preprocessing
  gpu   the model, which runs on the CPU where there is no GPU

Exit codes: 0 stopped, 1 failed, 2 wrong usage or a setting with which it cannot start, such as a model that is not
installed.

promote directs new jobs to the workers of build TEMPORAL_WORKER_BUILD_ID. Running jobs stay with their build.`,

  async run(args, context) {
    const { settings, stderr, signal } = context;
    const { positionals } = parseCommandLine({ args: [...args], options: {}, allowPositionals: true });
    const [role, ...rest] = positionals;
    if (role === 'promote' && rest.length === 0) return await promote(context);
    if ((role !== 'cpu' && role !== 'gpu') || rest.length > 0)
      throw new UsageError('name a role: cpu, gpu or promote.');
    let renewal: NodeJS.Timeout | undefined;
    const onReady = (): void => {
      process.send?.({ type: 'ready' } satisfies ReadyMessage);
      // A supervisor watches the process itself; containers run deploy/healthcheck.mjs.
      if (process.send === undefined) renewal = renewLivenessFile(role);
    };
    try {
      if (role === 'cpu')
        await (await import('../../workers/cpu/index.ts')).runCpuWorker(settings, { onReady, signal });
      else await (await import('../../workers/gpu/index.ts')).runGpuWorker(settings, { onReady, signal });
    } catch (error) {
      if (!(error instanceof FrameloomError) || error.retryable) throw error;
      // Such as a missing model: the exit code shows a supervisor that a restart cannot help.
      printLine(stderr, `frameloom: ${error.message}\n${ERRORS[error.code].hint}`);
      return EXIT_CODES.usage;
    } finally {
      clearInterval(renewal);
      if (process.connected) process.disconnect();
    }
    return EXIT_CODES.complete;
  },
};

async function promote({ settings, stderr, signal }: CommandContext): Promise<number> {
  try {
    await (await import('../../temporal/grpc/index.ts')).promoteBuild(settings, signal);
  } catch (error) {
    if (!(error instanceof FrameloomError)) throw error;
    printLine(stderr, `frameloom: ${error.message}`);
    return error.retryable ? EXIT_CODES.failed : EXIT_CODES.usage;
  }
  printLine(stderr, `New jobs run on build ${settings.buildId} of ${settings.deploymentName}.`);
  return EXIT_CODES.complete;
}

/** Updates the time of a file while the event loop runs. */
function renewLivenessFile(role: string): NodeJS.Timeout {
  const file = join(tmpdir(), `frameloom-worker-${role}.alive`);
  const renew = async (): Promise<void> => {
    await writeFile(file, '', { flag: 'a' });
    await utimes(file, new Date(), new Date());
  };
  const ignore = (): void => {}; // without a writable temporary folder the health check fails
  renew().catch(ignore);
  const timer = setInterval(() => renew().catch(ignore), LIVENESS_INTERVAL_MS);
  timer.unref();
  return timer;
}
