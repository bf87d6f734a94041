/** A child that died at every start. The message is fit for a terminal. */
export class ChildProcessError extends Error {
  override readonly name = 'ChildProcessError';
}
