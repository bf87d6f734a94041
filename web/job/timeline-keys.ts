/** The keys of a slider or a list of frames. Pure. */

/** How far Page Up and Page Down go. */
const PAGE = 10;

/** The position a key leads to from `position` among `count`, or undefined for keys that mean nothing here. */
export function stepFor(key: string, position: number, count: number): number | undefined {
  const clamp = (target: number): number => Math.max(0, Math.min(count - 1, target));
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return clamp(position + 1);
    case 'ArrowLeft':
    case 'ArrowUp':
      return clamp(position - 1);
    case 'PageDown':
      return clamp(position + PAGE);
    case 'PageUp':
      return clamp(position - PAGE);
    case 'Home':
      return 0;
    case 'End':
      return clamp(count - 1);
    default:
      return undefined;
  }
}
