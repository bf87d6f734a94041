/** What there is to say of a model without loading it, for `frameloom doctor` and `frameloom models`. */

import type { Settings } from '../../config/settings.ts';
import { examineRuntime, ModelError } from '../../onnx/index.ts';
import { connectEndpoint } from '../../phi3v/index.ts';
import { urlOrigin } from './start-generator.ts';

export interface RuntimeReport {
  /**
   * Name, version, provider and path, such as `onnxruntime 1.30.0 cpu (C API, in place)`; undefined where
   * none runs.
   */
  readonly runtime: string | undefined;
  /** Why it is not the fast one, or none at all. */
  readonly problem: string | undefined;
}

/** Which runtime a model host would use with these settings. */
export async function describeRuntime(
  settings: Pick<Settings, 'modelProvider' | 'ortLibrary'>,
): Promise<RuntimeReport> {
  try {
    const { description, fallback } = await examineRuntime({
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
  /** Where it is, without a key or a path. */
  readonly origin: string;
  /** The model that it would be asked for; undefined where it does not answer. */
  readonly model: string | undefined;
  /** Why not. */
  readonly problem: string | undefined;
}

/** Asks the endpoint at FRAMELOOM_MODEL_URL for its models. Undefined where none is set. */
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
