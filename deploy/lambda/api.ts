/** Entry of the function behind the function URL, bundled as `dist/lambda/api.mjs`. */
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { createLambdaApi } from '../../api/entries/lambda.ts';
import { createJsonLogger } from '../../cli/output/index.ts';
import { parseApiKeys } from '../../config/api-keys.ts';
import { loadSettings } from '../../config/settings.ts';
import manifest from '../../package.json' with { type: 'json' };
import { openStore } from '../../store/open-store.ts';
import { createTemporalOrchestrator } from '../../temporal/grpc/index.ts';

const settings = loadSettings(process.env);
// Lazy: a cold start does not wait for a connection. One that closed while the function was frozen is
// reopened.
const connection = Connection.lazy({
  address: settings.temporalAddress,
  ...(settings.temporalApiKey === undefined ? {} : { apiKey: settings.temporalApiKey, tls: true }),
});
const store = openStore(settings, tmpdir());

export const handler = createLambdaApi({
  orchestrator: createTemporalOrchestrator(
    new Client({ connection, namespace: settings.temporalNamespace }),
    store,
  ),
  store,
  keys: parseApiKeys(settings.apiKeys),
  quotas: settings.quotas,
  maxUploadBytes: settings.maxUploadBytes,
  version: manifest.version,
  model: basename(settings.model),
  log: createJsonLogger('lambda-api', settings.logLevel, process.stdout),
});
