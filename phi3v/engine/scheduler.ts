import { setImmediate } from 'node:timers/promises';
import { ModelError } from '../../onnx/index.ts';
import { createSampler } from '../text/index.ts';
import { createAdmission } from './admission.ts';
import { createBatchStep } from './batch-step.ts';
import type { Decoder } from './decoder.ts';
import { checkRequest, type GenerationLimits } from './generation-limits.ts';
import {
  createSequence,
  maxLength,
  type ScheduledGeneration,
  type ScheduledHooks,
  type ScheduledRequest,
} from './sequence.ts';

export interface Scheduler {
  /** @throws ModelError `context_exceeded`, `memory_exceeded`, `prompt_invalid`, `cancelled`, `runtime`. */
  generate(request: ScheduledRequest, hooks?: ScheduledHooks): Promise<ScheduledGeneration>;
  /** Number of sequences that wait, prefill and decode. */
  readonly load: { readonly waiting: number; readonly prefilling: number; readonly decoding: number };
  /**
   * Images, prefill chunks and steps run so far. If it does not grow while there is load, the runtime hangs.
   */
  readonly progress: number;
  /** Cancels everything and waits until nothing runs any more. Only then may the graphs be closed. */
  close(): Promise<void>;
}

/**
 * Continuous batching (Yu et al., 2022, "Orca"): a sequence waits for room, is prefilled alone into its own
 * row of the KV cache, chunk by chunk, and then decodes together with all others. Between two steps of the
 * decoding sequences at most one chunk, or one image, of a new one runs. Admission is in order of arrival.
 *
 * The rope of this model has two sets of factors, selected by the total length of each call, and keys in the
 * cache keep the factors they were made with. Therefore no cache crosses `ropeSwitch`: a sequence that grows
 * beyond it is prefilled once more, as a whole, with the long factors, and rows on either side never share a
 * step.
 *
 * A step does not give the same bits as a prefill of the same token: its attention runs in other kernels, and
 * where activations are quantized, the last bit of a float becomes a whole unit of a byte (7e-3 in the logits
 * after four layers of the int4 graph). Steps of any number of rows give the same bits. Therefore resumed
 * tokens are not prefilled but go in as they did the first time, one by one in steps beside the other rows:
 * the rest of the output is then that of an uninterrupted run, to the last bit.
 */
export function createScheduler(decoder: Decoder, limits: GenerationLimits): Scheduler {
  const admission = createAdmission(decoder, limits);
  const { waiting, prefilling, decoding } = admission;
  const batchStep = createBatchStep(decoder, limits, admission);
  let loop: Promise<void> | undefined;
  let closed = false;

  async function run(): Promise<void> {
    while (admission.size > 0) {
      failCancelled();
      admission.admit();
      const [next] = prefilling;
      if (next !== undefined) await batchStep.prefill(next);
      await batchStep.decode(decoding);
      // Lets messages in, such as a cancellation.
      await setImmediate();
    }
  }

  function failCancelled(): void {
    for (const sequence of [...waiting, ...prefilling, ...decoding]) {
      if (closed || sequence.hooks.signal?.aborted) admission.fail(sequence, cancelled());
    }
  }

  return {
    get load() {
      return { waiting: waiting.length, prefilling: prefilling.length, decoding: decoding.size };
    },
    get progress() {
      return batchStep.progress;
    },
    close: async () => {
      closed = true;
      await loop;
    },
    generate: async (request, hooks = {}) => {
      checkRequest(request, limits);
      decoder.checkFits(maxLength(request));
      if (closed || hooks.signal?.aborted) throw cancelled();
      if (request.resume.length === request.maxTokens) {
        return { tokens: request.resume, finishReason: 'length', modelSeconds: 0, averageBatchSize: 0 };
      }
      const sampler = createSampler(request.sampling, limits.vocabulary);
      return new Promise((resolve, reject) => {
        admission.enqueue(createSequence(request, hooks, sampler, { resolve, reject }));
        loop ??= run().finally(() => {
          loop = undefined;
        });
      });
    },
  };
}

function cancelled(): ModelError {
  return new ModelError('cancelled', 'The generation was cancelled.');
}
