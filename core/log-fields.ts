/**
 * Members of log lines without what a client sent. An error is logged by name, code and place; its message is
 * left out where it may quote data, and URLs are cut to their origin.
 */

/** A JSON.stringify replacer for log lines. */
export function logField(_key: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { name, cause } = value;
    const code = 'code' in value ? value.code : undefined;
    const message = quotesData(value) ? undefined : value.message;
    const stack = value.stack?.split('\n').filter((line) => /^\s+at /.test(line));
    return { name, code, message, stack, cause };
  }
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? value.replace(URL_TAIL, '$1$2') : value;
}

/** Scheme, user, host with port, and the rest of a URL. */
const URL_TAIL = /\b(https?:\/\/)(?:[^\s"'<>/@]*@)?([^\s"'<>/?#]*)[^\s"'<>]*/gi;

/** Parsers quote what they could not read. */
function quotesData({ name }: Error): boolean {
  return name === 'SyntaxError' || name === 'ZodError' || name === '$ZodError';
}
