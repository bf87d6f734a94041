/** `frameloom serve`: runs the API and the console of a deployment. */
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { parseApiKeys } from '../../config/api-keys.ts';
import { type Command, EXIT_CODES, parseCommandLine, printLine } from '../context.ts';
import type { ReadyMessage } from '../embedded/index.ts';
import { createJsonLogger } from '../output/index.ts';
import { packageVersion } from '../package-root.ts';

export const serve: Command = {
  summary: 'run the API and the console of a deployment',
  usage: `usage: frameloom serve

Serves the API and the console on FRAMELOOM_HOST and FRAMELOOM_PORT until SIGTERM or Ctrl-C. Requires Temporal
(TEMPORAL_ADDRESS) and the artifact store (FRAMELOOM_STORE). Workers run separately (frameloom worker).

Exit codes: 0 stopped, 1 failed, 2 wrong usage or a setting with which it cannot start, such as a port that is taken.`,

  async run(args, { settings, stdout, stderr, signal }) {
    parseCommandLine({ args: [...args], options: {} });
    const [
      { Client, Connection },
      { startApi },
      { parseGatewayTokens, systemClock },
      { createQueueStats, createTemporalOrchestrator },
      { loadConsoleAssets },
      { openStore },
      { resumeRemovals },
      { startTracing, traceWorkflowStarts },
    ] = await Promise.all([
      import('@temporalio/client'),
      import('../../api/entries/node.ts'),
      import('../../api/app/index.ts'),
      import('../../temporal/grpc/index.ts'),
      import('../../web/assets.ts'),
      import('../../store/open-store.ts'),
      import('../../api/jobs/index.ts'),
      import('../../workers/telemetry/index.ts'),
    ]);
    // Lazy: the processes of a deployment start in any order, and /readyz reports a missing Temporal.
    const connection = Connection.lazy({
      address: settings.temporalAddress,
      ...(settings.temporalApiKey === undefined ? {} : { apiKey: settings.temporalApiKey, tls: true }),
    });
    await using tracing = await startTracing(settings, 'api');
    const client = new Client({
      connection,
      namespace: settings.temporalNamespace,
      ...(tracing ? { interceptors: { workflow: [traceWorkflowStarts(tracing)] } } : {}),
    });
    const artifacts = openStore(settings, tmpdir());
    const orchestrator = createTemporalOrchestrator(client, artifacts);
    const log = createJsonLogger('api', settings.logLevel, stdout);
    const api = await startApi({
      host: settings.host,
      port: settings.port,
      orchestrator,
      queueStats: createQueueStats(client),
      store: artifacts,
      keys: parseApiKeys(settings.apiKeys),
      gatewayTokens: parseGatewayTokens(settings.gatewayTokens),
      quotas: settings.quotas,
      maxUploadBytes: settings.maxUploadBytes,
      version: packageVersion(),
      model: basename(settings.model),
      assets: await loadConsoleAssets(),
      log,
      ...(tracing ? { tracer: tracing } : {}),
    });
    resumeRemovals({ orchestrator, store: artifacts, clock: systemClock }).catch((error: unknown) =>
      log('warn', 'interrupted removals could not be completed', { reason: String(error) }),
    );
    if (process.send === undefined) printLine(stderr, `Frameloom is ready: ${api.url}`);
    process.send?.({ type: 'ready', url: api.url } satisfies ReadyMessage);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await api.close();
    await connection.close();
    if (process.connected) process.disconnect();
    return EXIT_CODES.complete;
  },
};
