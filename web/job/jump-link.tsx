import type { ComponentChildren, JSX } from 'preact';
import { useJump } from '../shared/index.ts';

interface Props {
  readonly frame: number;
  /** Segments the text rests on. */
  readonly evidence: readonly number[];
  readonly class?: string;
  readonly label?: string;
  readonly current?: boolean;
  readonly children: ComponentChildren;
}

/** A link to a frame of this job. It has an address, so that it can be copied and opened elsewhere. */
export function JumpLink({ frame, evidence, label, current, children, ...rest }: Props): JSX.Element {
  const jump = useJump();
  const follow = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    jump.to(frame, evidence);
  };
  return (
    <a
      class={rest.class}
      href={jump.hrefOf(frame)}
      aria-label={label}
      aria-current={current ? 'true' : undefined}
      onClick={follow}
    >
      {children}
    </a>
  );
}
