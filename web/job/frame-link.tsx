import type { ComponentChildren, JSX } from 'preact';
import { useFrameNavigation } from '../shared/index.ts';

interface Props {
  readonly frame: number;
  /** Segments with the evidence of the text. */
  readonly evidence: readonly number[];
  readonly class?: string;
  readonly label?: string;
  readonly current?: boolean;
  readonly children: ComponentChildren;
}

/** A link to a frame of this job. It has a URL, so it can be copied and opened in another tab. */
export function FrameLink({ frame, evidence, label, current, children, ...rest }: Props): JSX.Element {
  const navigation = useFrameNavigation();
  const follow = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    navigation.goTo(frame, evidence);
  };
  return (
    <a
      class={rest.class}
      href={navigation.hrefOf(frame)}
      aria-label={label}
      aria-current={current ? 'true' : undefined}
      onClick={follow}
    >
      {children}
    </a>
  );
}
