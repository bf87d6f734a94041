import { env, InferenceSession, listSupportedBackends, Tensor as NodeTensor } from 'onnxruntime-node';
import { ModelError } from './model-error.ts';
import type { Graph, OrtRuntime, RuntimeOptions } from './runtime.ts';
import {
  dataOf,
  elementCount,
  newData,
  type Tensor,
  type TensorData,
  type TensorInfo,
  typeOf,
} from './tensor.ts';

/**
 * Plain onnxruntime-node: it runs where koffi or the library cannot be loaded, and drives WebGPU. A tensor that is bound
 * as both input and output is updated in place here too, but every output is copied once more into an array that is
 * dropped, so that a step costs what the cache could hold; and a run holds up the event loop.
 *
 * @throws ModelError `model_invalid` where this platform's package has no such provider.
 */
export function openNodeRuntime({ provider, threads }: RuntimeOptions): OrtRuntime {
  const available = listSupportedBackends().map(({ name }) => name);
  if (!available.includes(provider)) {
    throw new ModelError(
      'model_invalid',
      `onnxruntime-node runs ${available.join(', ')} here, not ${provider}.`,
    );
  }
  env.logLevel = 'fatal';
  return {
    description: `onnxruntime-node ${env.versions.node ?? ''} ${provider} (portable, copies the KV cache)`,
    inPlace: false,
    lazyMemory: false,
    open: async (path) => {
      try {
        const session = await InferenceSession.create(path, {
          logSeverityLevel: 4,
          executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
          enableMemPattern: false,
          ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
          extra: { session: { intra_op: { allow_spinning: '0' } } },
        });
        return createGraph(session);
      } catch (cause) {
        const where = provider === 'cpu' ? '' : ` on ${provider}`;
        throw new ModelError('model_invalid', `A graph of the model folder could not be loaded${where}.`, {
          cause,
        });
      }
    },
    tensor: over,
  };
}

function createGraph(session: InferenceSession): Graph {
  const describe = (infos: InferenceSession['inputMetadata']): ReadonlyMap<string, TensorInfo> =>
    new Map(infos.map((info) => [info.name, tensorInfo(info)]));
  return {
    inputs: describe(session.inputMetadata),
    outputs: describe(session.outputMetadata),
    deviceMemory: (type, dims) => over(newData(type, elementCount(dims)), dims),
    run: async (inputs, outputs) => {
      const feeds: Record<string, NodeTensor> = {};
      for (const [name, tensor] of inputs) feeds[name] = native(tensor);
      const fetches: Record<string, NodeTensor> = {};
      for (const [name, tensor] of outputs) fetches[name] = native(tensor);
      try {
        await session.run(feeds, fetches);
      } catch (cause) {
        throw new ModelError('runtime', 'ONNX Runtime could not run the model.', { cause });
      }
    },
    close: () => session.release(),
  };
}

type Metadata = InferenceSession['inputMetadata'][number];

function tensorInfo(info: Metadata): TensorInfo {
  if (!info.isTensor) return { type: 'other', dims: [] };
  const { type, shape } = info;
  const known = type === 'float32' || type === 'float16' || type === 'int64';
  return { type: known ? type : 'other', dims: shape.map((dim) => (typeof dim === 'number' ? dim : -1)) };
}

function over(data: TensorData, dims: readonly number[]): Tensor {
  const stride = elementCount(dims.slice(1));
  return {
    type: typeOf(data),
    dims,
    data,
    rows: (first, count) =>
      over(data.subarray(first * stride, (first + count) * stride), [count, ...dims.slice(1)]),
    forget: () => {},
    release: () => {},
  };
}

function native(tensor: Tensor): NodeTensor {
  const data = dataOf(tensor);
  if (data instanceof Float32Array) return new NodeTensor('float32', data, tensor.dims);
  if (data instanceof Uint16Array) return new NodeTensor('float16', data, tensor.dims);
  return new NodeTensor('int64', data, tensor.dims);
}
