/** Describes JSON Schemas as text, for the reference page. */

export interface SchemaRow {
  readonly name: string;
  readonly required: boolean;
  readonly schema: unknown;
  readonly description: string;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The type of a schema as text, such as `array of Segment` or `"fps" | "count"`. */
export function typeName(schema: unknown): string {
  if (!isObject(schema)) return 'any';
  if (typeof schema.$ref === 'string') return schema.$ref.split('/').at(-1) ?? '';
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) return [...new Set(options.map(typeName))].join(' | ');
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? 'any'];
  return types
    .map((type) => {
      if (type === 'array') return `array of ${typeName(schema.items)}`;
      if (type === 'object' && schema.additionalProperties !== undefined && !schema.properties) {
        return `map of ${typeName(schema.additionalProperties)}`;
      }
      return String(type);
    })
    .join(' | ');
}

/**
 * The members of an object, with those of nested unnamed objects as `outer.inner`. For a union, the members
 * of all its options.
 */
export function schemaRows(schema: unknown, prefix = ''): SchemaRow[] {
  if (!isObject(schema)) return [];
  const options = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(options)) return mergeRows(options.flatMap((option) => schemaRows(option, prefix)));
  if (schema.type === 'array') return schemaRows(schema.items, prefix);
  if (!isObject(schema.properties)) return [];
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.entries(schema.properties).flatMap(([name, member]) => {
    const path = prefix + name;
    const inner = schemaRows(member, `${path}.`);
    return [
      { name: path, required: required.has(name), schema: member, description: schemaNotes(member) },
      ...inner,
    ];
  });
}

/** One row per name: joins the types of a member that differ between the options of a union. */
function mergeRows(rows: readonly SchemaRow[]): SchemaRow[] {
  const byName = new Map<string, SchemaRow[]>();
  for (const row of rows) byName.set(row.name, [...(byName.get(row.name) ?? []), row]);
  return [...byName.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    return [{ ...first, schema: same.length > 1 ? { anyOf: same.map((row) => row.schema) } : first.schema }];
  });
}

/** The description, bounds and default of a schema. */
export function schemaNotes(schema: unknown): string {
  if (!isObject(schema)) return '';
  const range = [
    schema.minimum !== undefined || schema.maximum !== undefined
      ? `From ${schema.minimum ?? '…'} to ${schema.maximum ?? '…'}.`
      : '',
    schema.exclusiveMinimum !== undefined ? `Greater than ${schema.exclusiveMinimum}.` : '',
    schema.maxLength !== undefined ? `At most ${schema.maxLength} characters.` : '',
    schema.maxItems !== undefined ? `At most ${schema.maxItems} items.` : '',
    schema.default !== undefined ? `Default: \`${JSON.stringify(schema.default)}\`.` : '',
  ];
  return [schema.description, ...range].filter((part) => part !== undefined && part !== '').join(' ');
}
