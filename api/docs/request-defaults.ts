import { isObject } from './schema-text.ts';

/**
 * The document with the defaults of request members in their descriptions instead of in the `default`
 * keyword. Generators of typed clients treat members with a `default` as required, because responses always
 * have them. In this document, responses have separate schemas in which these members are required.
 */
export function describeRequestDefaults<T>(document: T): T {
  return convert(document) as T; // only `default` members are removed
}

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert);
  if (!isObject(value)) return value;
  const converted = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, convert(member)]),
  );
  // A member of an object can have the name `default`, but then it is a schema, which is an object.
  if (!('default' in value) || (isObject(value.default) && 'type' in value.default)) return converted;
  const { default: fallback, description, ...rest } = converted;
  if (isObject(fallback)) return description === undefined ? rest : { ...rest, description };
  const text = `The default is \`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\`.`;
  return { ...rest, description: [description, text].filter((part) => part !== undefined).join(' ') };
}
