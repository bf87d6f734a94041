/**
 * The search attributes by which workflows are listed and counted, which must be registered in the namespace,
 * and priority keys.
 */
import { digest } from '../core/canonical-json.ts';
import type { JobMemo } from './job.ts';
import type { SummaryRequest } from './request.ts';

/** Keyword. */
export const TENANT_ATTRIBUTE = 'FrameloomTenant';
/** Int: Temporal's priority key. */
export const PRIORITY_ATTRIBUTE = 'FrameloomPriority';

/** Keyword: the type of the source. */
export const TYPE_ATTRIBUTE = 'FrameloomType';
/** Keyword: `customIdKey` of the job. */
export const CUSTOM_ID_ATTRIBUTE = 'FrameloomCustomId';
/** Int: time of creation in milliseconds since the epoch. */
export const CREATED_ATTRIBUTE = 'FrameloomCreated';

/** All attributes with their types. */
export const SEARCH_ATTRIBUTES = {
  [TENANT_ATTRIBUTE]: 'Keyword',
  [PRIORITY_ATTRIBUTE]: 'Int',
  [TYPE_ATTRIBUTE]: 'Keyword',
  [CUSTOM_ID_ATTRIBUTE]: 'Keyword',
  [CREATED_ATTRIBUTE]: 'Int',
} as const;

/** What Temporal knows of a `custom_id`: a digest, because it keeps no text of clients. */
export async function customIdKey(tenant: string, customId: string): Promise<string> {
  return (await digest(['custom_id', tenant, customId])).slice(0, 32);
}

/** The attributes of a job by which it is listed. */
export function listAttributes(
  memo: Pick<JobMemo, 'type' | 'customIdKey' | 'createdAt'>,
): { readonly name: string; readonly type: 'Keyword' | 'Int'; readonly value: string | number }[] {
  return [
    { name: CREATED_ATTRIBUTE, type: 'Int', value: Date.parse(memo.createdAt) },
    ...(memo.type === undefined
      ? []
      : [{ name: TYPE_ATTRIBUTE, type: 'Keyword' as const, value: memo.type }]),
    ...(memo.customIdKey === undefined
      ? []
      : [{ name: CUSTOM_ID_ATTRIBUTE, type: 'Keyword' as const, value: memo.customIdKey }]),
  ];
}

/** Temporal's priority keys; 1 is the highest priority. The gaps leave room for other levels. */
export const PRIORITY_KEYS = { high: 1, normal: 3, low: 5 } as const satisfies Record<
  SummaryRequest['priority'],
  number
>;
