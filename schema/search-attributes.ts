/**
 * The search attributes by which workflows are listed and counted, which must be registered in the namespace,
 * and priority keys.
 */
import type { SummaryRequest } from './request.ts';

/** Keyword. */
export const TENANT_ATTRIBUTE = 'FrameloomTenant';
/** Int: Temporal's priority key. */
export const PRIORITY_ATTRIBUTE = 'FrameloomPriority';

/** Temporal's priority keys; 1 is the highest priority. The gaps leave room for other levels. */
export const PRIORITY_KEYS = { high: 1, normal: 3, low: 5 } as const satisfies Record<
  SummaryRequest['priority'],
  number
>;
