import { env, InferenceSession, listSupportedBackends, Tensor as NodeTensor } from 'onnxruntime-node';
import { ModelError } from './model-error.ts';
import type { Graph, OrtRuntime, RuntimeOptions } from './runtime.ts';
import {
  createTensorData,
  elementCount,
  elementTypeOf,
  requireData,
  type Tensor,
  type TensorData,
  type TensorInfo,
} from './tensor.ts';

/**
 * Opens onnxruntime-node, which needs neither koffi nor a separate library, and supports WebGPU. A tensor
 * that is bound as both input and output is updated in place here, too. However, each output is also copied
 * into an array that is discarded, so that the cost of a step grows with the capacity of the cache, and a run
 * blocks the event loop.
 *
 * @throws ModelError `model_invalid` if the package does not support the provider on this platform.
 */
export function openNodeRuntime({ provider, threads }: RuntimeOptions): OrtRuntime {
  const available = listSupportedBackends().map(({ name }) => name);
  if (!available.includes(provider)) {
    throw new ModelError(
      'model_invalid',
      `onnxruntime-node supports ${available.join(', ')} on this platform, not ${provider}.`,
    );
  }
  env.logLevel = 'fatal';
  return {
    description: `onnxruntime-node ${env.versions.node ?? ''} ${provider} (portable, copies the KV cache)`,
    updatesInPlace: false,
    allocatesLazily: false,
    loadGraph: async (path) => {
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
    createTensor: tensorOverArray,
  };
}

function createGraph(session: InferenceSession): Graph {
  const toTensorInfos = (infos: InferenceSession['inputMetadata']): ReadonlyMap<string, TensorInfo> =>
    new Map(infos.map((info) => [info.name, toTensorInfo(info)]));
  return {
    inputs: toTensorInfos(session.inputMetadata),
    outputs: toTensorInfos(session.outputMetadata),
    allocate: (type, dims) => tensorOverArray(createTensorData(type, elementCount(dims)), dims),
    run: async (inputs, outputs) => {
      const feeds: Record<string, NodeTensor> = {};
      for (const [name, tensor] of inputs) feeds[name] = toNodeTensor(tensor);
      const fetches: Record<string, NodeTensor> = {};
      for (const [name, tensor] of outputs) fetches[name] = toNodeTensor(tensor);
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

function toTensorInfo(info: Metadata): TensorInfo {
  if (!info.isTensor) return { type: 'other', dims: [] };
  const { type, shape } = info;
  const known = type === 'float32' || type === 'float16' || type === 'int64' || type === 'bool';
  return { type: known ? type : 'other', dims: shape.map((dim) => (typeof dim === 'number' ? dim : -1)) };
}

function tensorOverArray(data: TensorData, dims: readonly number[]): Tensor {
  const stride = elementCount(dims.slice(1));
  return {
    type: elementTypeOf(data),
    dims,
    data,
    sliceRows: (first, count) =>
      tensorOverArray(data.subarray(first * stride, (first + count) * stride), [count, ...dims.slice(1)]),
    discardMemory: () => {},
    release: () => {},
  };
}

function toNodeTensor(tensor: Tensor): NodeTensor {
  const data = requireData(tensor);
  if (data instanceof Float32Array) return new NodeTensor('float32', data, tensor.dims);
  if (data instanceof Uint16Array) return new NodeTensor('float16', data, tensor.dims);
  if (data instanceof Uint8Array) return new NodeTensor('bool', data, tensor.dims);
  return new NodeTensor('int64', data, tensor.dims);
}
