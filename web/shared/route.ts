/** Routes of the console. They are URL fragments, so that any static server can serve the page. */

export type Route =
  | { readonly page: 'home' }
  | { readonly page: 'job'; readonly id: string; readonly frame: number | undefined };

/** Parses `#/jobs/sum_…` and `#/jobs/sum_…/frames/12`; everything else is the start page. */
export function parseRoute(hash: string): Route {
  const match = /^#\/jobs\/(sum_[a-z2-7]{26})(?:\/frames\/(\d{1,6}))?$/.exec(hash);
  const [, id, frame] = match ?? [];
  if (id === undefined) return { page: 'home' };
  return { page: 'job', id, frame: frame === undefined ? undefined : Number(frame) };
}

export const HOME_HREF = '#/';

export function jobHref(id: string, frame?: number): string {
  return frame === undefined ? `#/jobs/${id}` : `#/jobs/${id}/frames/${frame}`;
}
