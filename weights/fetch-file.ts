/** Downloads a file. Resumes a partial download and computes the checksum on the way. */
import type { WeightFile } from './catalogue.ts';
import { WeightsError } from './errors.ts';
import type { HttpResponse } from './http.ts';
import { openPartialFile, type PartialFile } from './partial-file.ts';
import { type RetryEvent, type RetryPolicy, retryTransfer } from './retry.ts';

/** What is known of a file before it is downloaded. */
export type DownloadedFile = Pick<WeightFile, 'path' | 'digest' | 'size'>;

export interface FetchContext {
  /** Host name of the server, for messages. */
  readonly host: string;
  /** Requests the file from byte `from`. */
  readonly open: (from: number) => Promise<HttpResponse>;
  readonly retryPolicy: RetryPolicy;
  readonly signal: AbortSignal;
  /**
   * Called when the number of hashed bytes on disk changes: a partial file was read back, or bytes were
   * received.
   */
  readonly onBytes: (change: number, how: 'checking' | 'fetching') => void;
  /** Called with the size of the file, as soon as the server has reported it. */
  readonly onSize: (bytes: number) => void;
  readonly onRetry: (event: RetryEvent) => void;
}

/** Maximum deviation of the real size from a rounded one. */
const ROUNDED_SIZE_TOLERANCE = { factor: 1.05, bytes: 4096 } as const;

/**
 * Downloads `file` to the path `target`, which exists only after the checksum of the whole file was verified.
 * After a failure, the partial file is kept next to it.
 *
 * @throws WeightsError `corrupt` if the checksum is wrong twice, and the errors of the server and the disk.
 */
export async function fetchFile(file: DownloadedFile, target: string, context: FetchContext): Promise<void> {
  await using partial = await openPartialFile(target, file.digest, context.onBytes, context.signal);
  for (const isLastAttempt of [false, true]) {
    if (await downloadFile(file, partial, context)) {
      await partial.finish();
      return;
    }
    await partial.restart();
    if (isLastAttempt) {
      throw new WeightsError(
        'corrupt',
        `${file.path} from ${context.host} differs from what was published (${file.digest.algorithm} ${file.digest.hex}). Two downloads failed.`,
      );
    }
  }
}

/** Downloads the missing bytes. Returns whether the checksum of the whole file is correct. */
async function downloadFile(
  file: DownloadedFile,
  partial: PartialFile,
  context: FetchContext,
): Promise<boolean> {
  let received = 0;
  return retryTransfer(
    async () => {
      if (!canResume(file, partial)) await partial.restart();
      if (file.size.exact && partial.bytes === file.size.bytes) return partial.matches();
      const response = await context.open(partial.bytes);
      try {
        return await receiveBody(response, file, partial, context, (count) => {
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

function canResume({ size }: DownloadedFile, partial: PartialFile): boolean {
  return partial.bytes <= maxFileBytes(size);
}

function maxFileBytes({ bytes, exact }: WeightFile['size']): number {
  return exact ? bytes : bytes * ROUNDED_SIZE_TOLERANCE.factor + ROUNDED_SIZE_TOLERANCE.bytes;
}

async function receiveBody(
  { status, header, body }: HttpResponse,
  file: DownloadedFile,
  partial: PartialFile,
  { host, onSize }: FetchContext,
  onReceived: (count: number) => void,
): Promise<boolean> {
  const range = parseContentRange(header('content-range'));
  if (status === 416) {
    // The file has no further bytes: the partial file is complete, or it belongs to another file.
    if (range?.total === partial.bytes) return partial.matches();
    await partial.restart();
    throw new WeightsError('broken', `${host} cannot resume ${file.path}. The download is restarted.`, {
      retryAfterMs: 0,
    });
  }
  if (status === 206 && range?.start !== partial.bytes) {
    await partial.restart();
    throw new WeightsError('broken', `${host} returned a different range than requested.`, {
      retryAfterMs: 0,
    });
  }
  // A server without support for ranges sends the whole file.
  if (status === 200 && partial.bytes > 0) await partial.restart();
  const total = status === 206 ? range?.total : parseLength(header('content-length'));
  if (total !== undefined) {
    if (total > maxFileBytes(file.size) || (file.size.exact && total !== file.size.bytes)) return false;
    onSize(total);
  }
  for await (const chunk of body) {
    if (partial.bytes + chunk.length > (total ?? maxFileBytes(file.size))) return false;
    await partial.append(chunk);
    onReceived(chunk.length);
  }
  const expected = total ?? (file.size.exact ? file.size.bytes : undefined);
  if (expected !== undefined && partial.bytes < expected) {
    throw new WeightsError('broken', `${host} closed the connection before the end of ${file.path}.`);
  }
  return partial.matches();
}

/** Parses `bytes 5-9/10`, or the form of a 416 response, `bytes *\/10`. */
function parseContentRange(
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

function parseLength(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined;
}
