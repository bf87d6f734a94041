/** Ids of things users can name: a prefix that says what it is, and 26 base32 characters (130 bits). */
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

/** A hex SHA-256. */
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

/** The id of the job that `tenant` asked for under `key`: the same pair always gives the same id. */
export async function jobIdFor(tenant: string, key: string): Promise<JobId> {
  const bytes = new TextEncoder().encode(JSON.stringify([tenant, key]));
  return `sum_${encode(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))}` as JobId; // built to the pattern above
}

/** The id of the estimate for which things are kept under `owner`, and back. */
export function estimateIdOf(owner: JobId): EstimateId {
  return owner.replace(/^sum_/, 'est_') as EstimateId; // of the same pattern
}

/** The id of the job of a line of a batch: the same line is the same job, in every round. */
export function jobIdOfLine(tenant: string, batchId: BatchId, customId: string): Promise<JobId> {
  return jobIdFor(tenant, `batch:${batchId}:${customId}`);
}

/** A new random file id. */
export function newFileId(): FileId {
  return `file_${encode(crypto.getRandomValues(new Uint8Array(17)))}` as FileId; // built to the pattern above
}

/** A new random upload id. */
export function newUploadId(): UploadId {
  return `upload_${encode(crypto.getRandomValues(new Uint8Array(17)))}` as UploadId; // built to the pattern above
}

/** The id of the file that the server makes for `purpose` on behalf of `tenant`: the same pair always gives the same id. */
export async function fileIdFor(tenant: string, purpose: string): Promise<FileId> {
  const bytes = new TextEncoder().encode(JSON.stringify(['file', tenant, purpose]));
  return `file_${encode(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))}` as FileId; // built to the pattern above
}

/** The id of the batch that `tenant` asked for under `key`; without one, a new random id. */
export async function batchIdFor(tenant: string, key: string | undefined): Promise<BatchId> {
  return `batch_${await bodyFor('batch', tenant, key)}` as BatchId; // built to the pattern above
}

/** The id of the schedule of batches, likewise. */
export async function scheduleIdFor(tenant: string, key: string | undefined): Promise<ScheduleId> {
  return `sched_${await bodyFor('schedule', tenant, key)}` as ScheduleId; // built to the pattern above
}

async function bodyFor(kind: string, tenant: string, key: string | undefined): Promise<string> {
  if (key === undefined) return encode(crypto.getRandomValues(new Uint8Array(17)));
  const bytes = new TextEncoder().encode(JSON.stringify([kind, tenant, key]));
  return encode(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
