/**
 * Checks of the runtime and the endpoint that do not load a model, for `frameloom doctor` and
 * `frameloom models`.
 */

import type { Settings } from '../../config/settings.ts';
import { inspectRuntime, ModelError } from '../../onnx/index.ts';
import { connectEndpoint } from '../../phi3v/index.ts';
import { urlOrigin } from './start-generator.ts';

export interface RuntimeReport {
  /**
   * Name, version, provider and path, such as `onnxruntime 1.30.0 cpu (C API, in place)`; undefined if none
   * works.
   */
  readonly runtime: string | undefined;
  /** Why the fast runtime, or any, does not work. */
  readonly problem: string | undefined;
}

/** Returns the runtime that a model host would use with these settings. Loads no model. */
export async function describeRuntime(
  settings: Pick<Settings, 'modelProvider' | 'ortLibrary'>,
): Promise<RuntimeReport> {
  try {
    const { description, fallback } = await inspectRuntime({
      provider: settings.modelProvider,
      library: settings.ortLibrary,
    });
    return { runtime: description, problem: fallback };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { runtime: undefined, problem: error.message };
  }
}

export interface EndpointReport {
  /** Origin of its URL, without key or path. */
  readonly origin: string;
  /** The model that would be requested; undefined if the endpoint is not reachable. */
  readonly model: string | undefined;
  /** Why it is not reachable. */
  readonly problem: string | undefined;
}

/** Requests the models of the endpoint at FRAMELOOM_MODEL_URL. Returns undefined if none is set. */
export async function checkEndpoint(
  settings: Pick<Settings, 'modelUrl' | 'modelKey' | 'model'>,
): Promise<EndpointReport | undefined> {
  const { modelUrl: url, modelKey: key, model: wanted } = settings;
  if (url === undefined) return undefined;
  const origin = urlOrigin(url);
  try {
    await using endpoint = await connectEndpoint({ url, key, model: wanted, connectTimeoutMs: 5000 });
    return { origin, model: endpoint.model, problem: undefined };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { origin, model: undefined, problem: error.message };
  }
}
