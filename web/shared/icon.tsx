import type { JSX } from 'preact';

const PATHS = {
  upload: 'M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3',
  video: 'M4 5h16v14H4zM8 5v14M16 5v14M4 9.5h4M4 14.5h4M16 9.5h4M16 14.5h4',
  deck: 'M3 4h18M4.5 4v11.5h15V4M12 15.5V19m-4 2 4-2 4 2M8 8h8M8 11.5h5',
  images: 'M7 4h13v13H7zM4 8v12h12M7 14l4-4 5 5 2-2 2 2',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1',
  close: 'm6 6 12 12M18 6 6 18',
  play: 'M8 5.5v13l10.5-6.5z',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  alert: 'M12 4 2.5 20h19zM12 10v4.5m0 2.5v.1',
  previous: 'm14.5 6-6 6 6 6',
  next: 'm9.5 6 6 6-6 6',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  download: 'M12 4v12m0 0 5-5m-5 5-5-5M4 20h16',
  clock: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2',
  key: 'M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zm3 1 8-8m-4 4 3 3',
} as const;

export type IconName = keyof typeof PATHS;

/** A 1 em icon beside a text. It is hidden from assistive technology, which reads the text. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
