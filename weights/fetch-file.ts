/** Brings one file: from where an earlier try stopped, checked while it arrives. */
import type { WeightFile } from './catalogue.ts';
import { WeightsError } from './errors.ts';
import type { Hub, HubBody } from './hub.ts';
import { openPart, type Part } from './part.ts';
import { type RetryEvent, type RetryPolicy, retryTransfer } from './retry.ts';

export interface FetchContext {
  readonly hub: Hub;
  readonly repository: string;
  readonly revision: string;
  readonly retryPolicy: RetryPolicy;
  readonly signal: AbortSignal;
  /** How the number of checked bytes on disk changes: by reading back what an earlier try left, or by fetching. */
  readonly onBytes: (change: number, how: 'checking' | 'fetching') => void;
  /** How large the file is, once the server has said it. */
  readonly onSize: (bytes: number) => void;
  readonly onRetry: (event: RetryEvent) => void;
}

/** A size that was published rounded may be this much off. */
const SLACK = { factor: 1.05, bytes: 4096 } as const;

/**
 * Brings `file` under the name `target`, which appears only when every byte of it is right. What has arrived stays beside it
 * when this fails. Throws WeightsError.
 */
export async function fetchFile(file: WeightFile, target: string, context: FetchContext): Promise<void> {
  await using part = await openPart(target, file.digest, context.onBytes, context.signal);
  for (const last of [false, true]) {
    if (await complete(file, part, context)) {
      await part.finish();
      return;
    }
    await part.restart();
    if (last) {
      throw new WeightsError(
        'corrupt',
        `${file.path} from ${context.hub.host} is not what was published (${file.digest.algorithm} ${file.digest.hex}), twice.`,
      );
    }
  }
}

/** Fetches what is missing until the file is whole. False: what is there is something else. */
async function complete(file: WeightFile, part: Part, context: FetchContext): Promise<boolean> {
  let received = 0;
  return retryTransfer(
    async () => {
      if (!mayContinue(file, part)) await part.restart();
      if (file.size.exact && part.bytes === file.size.bytes) return part.matches();
      const response = await context.hub.file(
        context.repository,
        context.revision,
        file.source,
        part.bytes,
        context.signal,
      );
      try {
        return await receive(response, file, part, context, (count) => {
          received += count;
        });
      } finally {
        response.body.discard();
      }
    },
    {
      policy: context.retryPolicy,
      signal: context.signal,
      onRetry: context.onRetry,
      received: () => received,
    },
  );
}

function mayContinue({ size }: WeightFile, part: Part): boolean {
  return part.bytes <= mostBytes(size);
}

function mostBytes({ bytes, exact }: WeightFile['size']): number {
  return exact ? bytes : bytes * SLACK.factor + SLACK.bytes;
}

async function receive(
  { status, header, body }: HubBody,
  file: WeightFile,
  part: Part,
  { hub, onSize }: FetchContext,
  onReceived: (count: number) => void,
): Promise<boolean> {
  const range = contentRange(header('content-range'));
  if (status === 416) {
    // Nothing lies behind what is here: it is all, or not of this file.
    if (range?.total === part.bytes) return part.matches();
    await part.restart();
    throw new WeightsError('broken', `${hub.host} cannot continue ${file.path}; it starts anew.`, {
      retryAfterMs: 0,
    });
  }
  if (status === 206 && range?.start !== part.bytes) {
    await part.restart();
    throw new WeightsError('broken', `${hub.host} sends another part than was asked for.`, {
      retryAfterMs: 0,
    });
  }
  // A server that knows no ranges sends it all again.
  if (status === 200 && part.bytes > 0) await part.restart();
  const total = status === 206 ? range?.total : lengthOf(header('content-length'));
  if (total !== undefined) {
    if (total > mostBytes(file.size) || (file.size.exact && total !== file.size.bytes)) return false;
    onSize(total);
  }
  for await (const chunk of body) {
    if (part.bytes + chunk.length > (total ?? mostBytes(file.size))) return false;
    await part.append(chunk);
    onReceived(chunk.length);
  }
  const whole = total ?? (file.size.exact ? file.size.bytes : undefined);
  if (whole !== undefined && part.bytes < whole) {
    throw new WeightsError('broken', `${hub.host} ended ${file.path} early.`);
  }
  return part.matches();
}

/** `bytes 5-9/10`; where nothing could be sent, a star stands for the first part. */
function contentRange(
  header: string | undefined,
): { readonly start?: number; readonly total?: number } | undefined {
  const found = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header ?? '');
  if (!found) return undefined;
  const [, start, total] = found;
  return {
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(total === undefined || total === '*' ? {} : { total: Number(total) }),
  };
}

function lengthOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined;
}
