/**
 * A child that ended at every start. The message is fit for a terminal and ends with the child's last output.
 */
export class ChildProcessError extends Error {
  override readonly name = 'ChildProcessError';
}
