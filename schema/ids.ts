/** Public ids: a prefix for the type of the resource, and 26 base32 characters (130 bits). */
import { z } from 'zod';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const BODY = '[a-z2-7]{26}';

export const JobId = z
  .string()
  .regex(new RegExp(`^sum_${BODY}$`))
  .brand('JobId');
export type JobId = z.infer<typeof JobId>;

export const FileId = z
  .string()
  .regex(new RegExp(`^file_${BODY}$`))
  .brand('FileId');
export type FileId = z.infer<typeof FileId>;

export const BatchId = z
  .string()
  .regex(new RegExp(`^batch_${BODY}$`))
  .brand('BatchId');
export type BatchId = z.infer<typeof BatchId>;

export const UploadId = z
  .string()
  .regex(new RegExp(`^upload_${BODY}$`))
  .brand('UploadId');
export type UploadId = z.infer<typeof UploadId>;

export const EstimateId = z
  .string()
  .regex(new RegExp(`^est_${BODY}$`))
  .brand('EstimateId');
export type EstimateId = z.infer<typeof EstimateId>;

export const ScheduleId = z
  .string()
  .regex(new RegExp(`^sched_${BODY}$`))
  .brand('ScheduleId');
export type ScheduleId = z.infer<typeof ScheduleId>;

/** A SHA-256 digest in lowercase hex. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

function encode(bytes: Uint8Array): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5 && out.length < 26) {
      bits -= 5;
      out += ALPHABET[(value >>> bits) & 31];
    }
    value &= 255;
  }
  return out;
}

/** Returns the id of the job of `tenant` with the idempotency key `key`. Deterministic. */
export async function jobIdFor(tenant: string, key: string): Promise<JobId> {
  const bytes = new TextEncoder().encode(JSON.stringify([tenant, key]));
  // Built to the pattern above.
  return `sum_${encode(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))}` as JobId;
}

/** Returns the id of the estimate whose artifacts are named by `owner`. */
export function estimateIdOf(owner: JobId): EstimateId {
  return owner.replace(/^sum_/, 'est_') as EstimateId; // has the same pattern
}

/** Returns the id of the job of a batch line. A line has the same job in every round. */
export function jobIdOfLine(tenant: string, batchId: BatchId, customId: string): Promise<JobId> {
  return jobIdFor(tenant, `batch:${batchId}:${customId}`);
}

/** Returns a new random file id. */
export function newFileId(): FileId {
  return `file_${encode(crypto.getRandomValues(new Uint8Array(17)))}` as FileId; // built to the pattern above
}

/** Returns a new random upload id. */
export function newUploadId(): UploadId {
  // Built to the pattern above.
  return `upload_${encode(crypto.getRandomValues(new Uint8Array(17)))}` as UploadId;
}

/** Returns the id of the file that the server creates for `tenant` and `purpose`. Deterministic. */
export async function fileIdFor(tenant: string, purpose: string): Promise<FileId> {
  const bytes = new TextEncoder().encode(JSON.stringify(['file', tenant, purpose]));
  // Built to the pattern above.
  return `file_${encode(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))}` as FileId;
}

/** Returns the id of the batch of `tenant` with the idempotency key `key`. Without a key the id is random. */
export async function batchIdFor(tenant: string, key: string | undefined): Promise<BatchId> {
  return `batch_${await bodyFor('batch', tenant, key)}` as BatchId; // built to the pattern above
}

/** Returns the id of a schedule, by the same rule as `batchIdFor`. */
export async function scheduleIdFor(tenant: string, key: string | undefined): Promise<ScheduleId> {
  return `sched_${await bodyFor('schedule', tenant, key)}` as ScheduleId; // built to the pattern above
}

async function bodyFor(kind: string, tenant: string, key: string | undefined): Promise<string> {
  if (key === undefined) return encode(crypto.getRandomValues(new Uint8Array(17)));
  const bytes = new TextEncoder().encode(JSON.stringify([kind, tenant, key]));
  return encode(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
