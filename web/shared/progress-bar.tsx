import type { JSX } from 'preact';

interface Props {
  readonly label: string;
  /** 0 to 100; undefined while it is unknown. */
  readonly percent: number | undefined;
}

export function ProgressBar({ label, percent }: Props): JSX.Element {
  const known = percent !== undefined;
  return (
    <div
      class={known ? 'progress-bar' : 'progress-bar progress-bar--unknown'}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={known ? Math.round(percent) : undefined}
    >
      <div class="progress-bar__fill" style={known ? { width: `${percent}%` } : {}} />
    </div>
  );
}
