/** Keyboard navigation of a slider or a list of frames. */

/** Step of Page Up and Page Down, in frames. */
const PAGE_STEP = 10;

/** Returns the new position after a key, from 0 to `count - 1`, or undefined for other keys. */
export function targetPosition(key: string, position: number, count: number): number | undefined {
  const clamp = (target: number): number => Math.max(0, Math.min(count - 1, target));
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return clamp(position + 1);
    case 'ArrowLeft':
    case 'ArrowUp':
      return clamp(position - 1);
    case 'PageDown':
      return clamp(position + PAGE_STEP);
    case 'PageUp':
      return clamp(position - PAGE_STEP);
    case 'Home':
      return 0;
    case 'End':
      return clamp(count - 1);
    default:
      return undefined;
  }
}
