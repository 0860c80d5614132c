/** What the README says of the program is what the program says of itself. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { overview } from '../src/cli/help.ts'
import { configJsonSchema } from '../src/config/schema.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

it('lists every command as --help does', () => {
  const commands = overview()
    .split('\n')
    .filter((line) => line.startsWith('  ') && !line.startsWith('  --'))
    .map((line) => line.slice(2))
  expect(commands.length).toBeGreaterThan(15)
  expect(readme).toContain(commands.join('\n'))
})

it('has a row for every setting of the config', () => {
  const { properties } = configJsonSchema() as { properties: Record<string, object> }
  const settings = Object.keys(properties).filter((name) => name !== '$schema')
  const rows = readme.slice(readme.indexOf('### Config'), readme.indexOf('### Places'))
  for (const setting of settings) expect(rows).toMatch(new RegExp(`\`${setting}\\b`))
})

it('names only files of this checkout', () => {
  const named = readme.matchAll(/`((?:systemd|launchd|test|docs)\/[\w./-]+)`/g)
  for (const [, path = ''] of named) {
    expect(existsSync(join(import.meta.dirname, '..', path)), path).toBe(true)
  }
})
