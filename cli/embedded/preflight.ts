/**
 * What would keep the workers or the API from starting, checked while the Temporal server starts: each of them takes
 * seconds to load, and its reason would be in a log file.
 */
import { connect } from 'node:net';
import { isLoopback, parseApiKeys } from '../../config/api-keys.ts';
import { loadSettings, type Settings, SettingsError } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';
import { findTool } from '../find-tool.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A Temporal server on another machine responds to a connection within this time. */
const CONNECT_TIMEOUT_MS = 5000;

/**
 * Checks keys, model, media programs and, where the environment names one, the Temporal server.
 *
 * @throws SettingsError, or FrameloomError `model_missing` or `unavailable`
 */
export async function checkBeforeStart(env: Env): Promise<void> {
  const settings = loadSettings(env);
  const hasKeys = parseApiKeys(settings.apiKeys).length > 0 || Boolean(settings.gatewayTokens);
  if (!hasKeys && !isLoopback(settings.host)) {
    throw new SettingsError(
      `FRAMELOOM_API_KEYS is required to listen on ${settings.host}, or on any other address than localhost.`,
    );
  }
  const [{ findMediaTools }, { resolveModel }, { inspectModelFolder }] = await Promise.all([
    import('../../media/index.ts'),
    import('../../workers/models/index.ts'),
    import('../../phi3v/index.ts'),
  ]);
  await findMediaTools({ ffmpeg: findTool('ffmpeg', env), ffprobe: findTool('ffprobe', env) });
  const { folder, profile } = await resolveModel(settings);
  if (settings.modelUrl === undefined) {
    const { complete, message } = await inspectModelFolder(folder);
    if (!complete) throw new FrameloomError('model_missing', `${profile.name}: ${message}`);
  }
  if (env.TEMPORAL_ADDRESS) await requireConnection(settings);
}

/** Whether anything listens at the address of Temporal. Workers would wait for it without end. */
async function requireConnection({ temporalAddress: address }: Settings): Promise<void> {
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      socket.once('timeout', () => reject(new Error(`no connection after ${CONNECT_TIMEOUT_MS} ms`)));
    });
  } catch (cause) {
    throw new FrameloomError(
      'unavailable',
      `No Temporal server responds at ${address}. Check TEMPORAL_ADDRESS, or unset it to use an embedded server.`,
      { cause },
    );
  } finally {
    socket.destroy();
  }
}
