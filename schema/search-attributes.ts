/** What lists and counts of workflows ask by, and the keys that order waiting work. They must be registered in the namespace. */
import type { SummaryRequest } from './request.ts';

/** Keyword. */
export const TENANT_ATTRIBUTE = 'FrameloomTenant';
/** Int: Temporal's priority key. */
export const PRIORITY_ATTRIBUTE = 'FrameloomPriority';

/** Temporal's priority keys, where 1 goes first. The gaps leave room. */
export const PRIORITY_KEYS = { high: 1, normal: 3, low: 5 } as const satisfies Record<
  SummaryRequest['priority'],
  number
>;
