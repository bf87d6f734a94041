/** One generation that a model host runs for a caller, across as many processes as it takes. */
import type { GenerateOptions, GenerateRequest, Generation } from '../engine/index.ts';
import type { HostProcess } from './host-process.ts';

export interface Call {
  readonly id: number;
  readonly request: GenerateRequest;
  readonly options: GenerateOptions;
  /** Output tokens known so far: the next process resumes from them if this one ends. */
  readonly tokens: number[];
  /** Characters of text passed to the caller. */
  deliveredChars: number;
  /** Characters that this process will send although the caller already has them. */
  repeatedChars: number;
  /** How many processes ended with this call in them. */
  crashes: number;
  /** The process it was sent to; undefined while it waits. */
  host: HostProcess | undefined;
  readonly resolve: (generation: Generation) => void;
  readonly reject: (error: unknown) => void;
}

export function createCall(
  id: number,
  request: GenerateRequest,
  options: GenerateOptions,
  { resolve, reject }: Pick<Call, 'resolve' | 'reject'>,
): Call {
  return {
    id,
    request,
    options,
    tokens: [...(request.resume ?? [])],
    deliveredChars: 0,
    repeatedChars: 0,
    crashes: 0,
    host: undefined,
    resolve,
    reject,
  };
}

/** Sends a call to a process, which resumes from the known tokens and sends all of their text again. */
export function sendCall(call: Call, host: HostProcess): void {
  call.host = host;
  call.repeatedChars = call.deliveredChars;
  host.send({ type: 'generate', id: call.id, request: { ...call.request, resume: [...call.tokens] } });
}

/** Passes new output to the caller, whose callbacks may throw. */
export function deliverOutput(call: Call, tokens: readonly number[], text: string): void {
  call.tokens.push(...tokens);
  if (tokens.length > 0) call.options.onTokens?.(tokens);
  const fresh = text.slice(call.repeatedChars);
  call.repeatedChars = Math.max(0, call.repeatedChars - text.length);
  call.deliveredChars += fresh.length;
  if (fresh !== '') call.options.onText?.(fresh);
}

/**
 * The waiting calls to send now: all of them, as long as none was in a crash. Those that were are sent one at
 * a time to a process that has no other, so that the one that causes crashes is found.
 */
export function callsToSend(calls: readonly Call[]): readonly Call[] {
  const busy = calls.filter((call) => call.host !== undefined);
  if (busy.some((call) => call.crashes > 0)) return [];
  const waiting = calls.filter((call) => call.host === undefined);
  const suspect = waiting.find((call) => call.crashes > 0);
  if (suspect === undefined) return waiting;
  return busy.length === 0 ? [suspect] : [];
}
