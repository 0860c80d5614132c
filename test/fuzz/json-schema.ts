/**
 * A validator for as much of JSON Schema (draft 2020-12) as `config.schema.json` uses. It shares no
 * line with the library that the config is checked with.
 */
export type Schema = Readonly<Record<string, unknown>>

type Value = Readonly<Record<string, unknown>>

export function fits(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, rule]) => {
    const check = KEYWORDS[keyword]
    if (!check) throw new Error(`config.schema.json uses "${keyword}", which is not known here`)
    return check(rule as never, value, schema)
  })
}

const KEYWORDS: Readonly<Record<string, (rule: never, value: unknown, schema: Schema) => boolean>> =
  {
    type: (type: string, value) =>
      type === typeOf(value) || (type === 'number' && typeOf(value) === 'integer'),
    const: (constant: unknown, value) => value === constant,
    enum: (values: readonly unknown[], value) => values.includes(value),
    not: (schema: Schema, value) => !fits(schema, value),
    oneOf: (schemas: readonly Schema[], value) =>
      schemas.filter((one) => fits(one, value)).length === 1,
    pattern: (pattern: string, value) =>
      typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
    minimum: (least: number, value) => typeof value !== 'number' || value >= least,
    maximum: (most: number, value) => typeof value !== 'number' || value <= most,
    items: (schema: Schema, value) => !isList(value) || value.every((item) => fits(schema, item)),
    minItems: (least: number, value) => !isList(value) || value.length >= least,
    uniqueItems: (_unique: true, value) =>
      !isList(value) || new Set(value.map((item) => JSON.stringify(item))).size === value.length,
    required: (names: readonly string[], value) =>
      !isObject(value) || names.every((name) => Object.hasOwn(value, name)),
    properties: (properties: Readonly<Record<string, Schema>>, value) =>
      !isObject(value) ||
      Object.entries(properties).every(
        ([name, schema]) => !Object.hasOwn(value, name) || fits(schema, value[name]),
      ),
    maxProperties: (most: number, value) => !isObject(value) || Object.keys(value).length <= most,
    propertyNames: (schema: Schema, value) =>
      !isObject(value) || Object.keys(value).every((name) => fits(schema, name)),
    additionalProperties: (schema: Schema | false, value, { properties = {} }) =>
      !isObject(value) ||
      Object.entries(value).every(
        ([name, member]) =>
          Object.hasOwn(properties as object, name) || (schema !== false && fits(schema, member)),
      ),
    format: (format: string, value) =>
      format !== 'uri' || typeof value !== 'string' || URL.canParse(value),
    $schema: () => true,
    title: () => true,
    description: () => true,
    default: () => true,
  }

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (isList(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isObject(value: unknown): value is Value {
  return typeof value === 'object' && value !== null && !isList(value)
}
