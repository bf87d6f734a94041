/** `frameloom serve-model`: serves the model of this machine over HTTP with OpenAI's interface. */
import { parseApiKeys } from '../../config/api-keys.ts';
import { type Command, EXIT_CODES, parseCommandLine, printLine, UsageError } from '../context.ts';
import type { ReadyMessage } from '../embedded/index.ts';
import { createJsonLogger } from '../output/index.ts';

/** The usual port of OpenAI-compatible servers. */
const DEFAULT_PORT = '8000';

export const serveModel: Command = {
  summary: 'serve the model over HTTP, with the interface of OpenAI',
  usage: `usage: frameloom serve-model [--host ADDRESS] [--port PORT]

Loads FRAMELOOM_MODEL and serves /v1/models and /v1/chat/completions until SIGTERM or Ctrl-C, after which requests in
flight are finished. GPU workers use it with FRAMELOOM_MODEL_URL. docs/models.md lists what is supported.
  --host ADDRESS  default FRAMELOOM_HOST; any but a loopback address requires FRAMELOOM_API_KEYS
  --port PORT     default ${DEFAULT_PORT}; 0 takes a free one`,

  async run(args, { settings, stdout, stderr, signal }) {
    const { values } = parseCommandLine({
      args: [...args],
      options: {
        host: { type: 'string', default: settings.host },
        port: { type: 'string', default: DEFAULT_PORT },
      },
    });
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65_535)
      throw new UsageError('--port must be a number up to 65535.');
    const { runModelServer } = await import('../../workers/serve-model/index.ts');
    await runModelServer(settings, {
      host: values.host,
      port,
      keys: parseApiKeys(settings.apiKeys),
      log: createJsonLogger('serve-model', settings.logLevel, stdout),
      signal,
      onReady: (url) => {
        if (process.send === undefined) printLine(stderr, `The model is served at ${url}/v1`);
        process.send?.({ type: 'ready', url } satisfies ReadyMessage);
      },
    });
    if (process.connected) process.disconnect();
    return EXIT_CODES.complete;
  },
};
