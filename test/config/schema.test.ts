import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { configJsonSchema } from '../../src/config/schema.ts'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLE = readFileSync(join(ROOT, 'config.example.json'), 'utf8')
const SHARING = ['keeper', 'reader'].map((role) =>
  readFileSync(join(ROOT, `examples/many-hosts/${role}.json`), 'utf8'),
)

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly additionalProperties?: Schema | boolean
}

/** Every setting of `schema`, with what it is in; what holds of all apps is said of `apps.*`. */
function settingsOf(schema: Schema, path: readonly string[] = []): [string, Schema][] {
  const { properties = {}, items, oneOf = [], additionalProperties } = schema
  const own = Object.entries(properties).flatMap(([key, value]): [string, Schema][] => [
    [[...path, key].join('.'), value],
    ...settingsOf(value, [...path, key]),
  ])
  const values = typeof additionalProperties === 'object' ? [additionalProperties] : []
  return [
    ...own,
    ...[...oneOf, ...(items ? [items] : [])].flatMap((part) => settingsOf(part, path)),
    ...values.flatMap((part) => settingsOf(part, [...path, '*'])),
  ]
}

/** Every setting that `value` has, named in the same way. */
function namesIn(value: unknown, path: readonly string[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => namesIn(item, path))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, path.join() === 'apps' ? '*' : key]
    return [here.join('.'), ...namesIn(inner, here)]
  })
}

describe('config.schema.json', () => {
  const schema = configJsonSchema() as Schema

  it('is what the definition makes; if not: npm run schema', () => {
    const committed = readFileSync(join(ROOT, 'config.schema.json'), 'utf8')
    expect(JSON.parse(committed)).toEqual(schema)
  })

  it('describes every setting', () => {
    const settings = settingsOf(schema)
    expect(settings.length).toBeGreaterThan(60)
    expect(settings.filter(([, { description }]) => !description)).toEqual([])
  })

  it('has a setting for each of the four types of app', () => {
    const apps = schema.properties?.apps?.additionalProperties as Schema
    expect(apps.oneOf).toHaveLength(4)
  })
})

describe('config.example.json', () => {
  const apps = { evo: { type: 'native', clientId: 'native-1', scopes: [] } }

  it('is a config without fault or warning', () => {
    expect(parseConfig(EXAMPLE)).toMatchObject({ kind: 'ok', warnings: [] })
  })

  it.each(SHARING)('is one of sharing without fault', (example) => {
    expect(parseConfig(example)).toMatchObject({ kind: 'ok' })
  })

  it('has an app of each type', () => {
    const result = parseConfig(EXAMPLE)
    const types = result.kind === 'ok' ? result.config.apps.map(({ type }) => type) : []
    expect(types.toSorted()).toEqual(['native', 'service', 'spa', 'web'])
  })

  it('names every setting but those of sharing, which have examples of their own', () => {
    const schema = configJsonSchema() as Schema
    const named = new Set(namesIn(JSON.parse(EXAMPLE)))
    expect(
      settingsOf(schema)
        .map(([name]) => name)
        .filter((name) => !named.has(name) && !/^share\b/.test(name)),
    ).toEqual([])
  })

  it('shows the defaults as they are', () => {
    const example = JSON.parse(EXAMPLE) as Record<string, unknown>
    const { listen, vault, log, issuer } = example
    // These have no default, for servers differ.
    const { sessionAge, atLeast, ...refresh } = example.refresh as Record<string, string>
    const shown = parseConfig(JSON.stringify({ listen, vault, refresh, log, issuer, apps }))
    expect(shown).toEqual(parseConfig(JSON.stringify({ apps })))
  })
})
