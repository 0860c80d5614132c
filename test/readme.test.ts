/** What the README says of the program is what the program says of itself. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ATTENTION_EVENTS } from '../src/core/attention.ts'
import { DAEMON_PROBLEMS } from '../src/core/daemon-problem.ts'
import { ERROR_CODES } from '../src/core/error-codes.ts'
import { CASES } from '../src/core/problem-cases.ts'
import { renderOverview } from '../src/cli/command-line/help.ts'
import { loadCommands } from '../src/cli/commands.ts'
import { configJsonSchema } from '../src/config/schema.ts'
import { routesOf } from '../src/http/app.ts'
import { recordedDeps } from './http/doors.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

it('lists every command as --help does', async () => {
  const commands = renderOverview(await loadCommands())
    .split('\n')
    .filter((line) => line.startsWith('  ') && !line.startsWith('  --'))
    .map((line) => line.slice(2))
  expect(commands.length).toBeGreaterThan(15)
  expect(readme).toContain(commands.join('\n'))
})

it('has a row for every setting of the config', () => {
  const settings = settingsIn(configJsonSchema()).filter((name) => name !== '$schema')
  const rows = readme.slice(readme.indexOf('### Config'), readme.indexOf('### Places'))
  expect(settings).toContain('log.level')
  for (const setting of settings) expect(rows).toMatch(new RegExp(`\`${setting}\\b`))
})

/** Of sections that are one object each: the others are described in rows of another kind. */
function settingsIn(schema: object, section = ''): string[] {
  const { properties = {} } = schema as { properties?: Record<string, object> }
  return Object.entries(properties).flatMap(([name, setting]) =>
    'properties' in setting ? settingsIn(setting, `${section}${name}.`) : [`${section}${name}`],
  )
}

it('names every event that a person is told of, and no other', () => {
  const row = /^\| `notify\.command`.*$/m.exec(readme)?.[0] ?? ''
  const named = /`EVO_TOKEN_EVENT` \(([^)]*)\)/.exec(row)?.[1] ?? ''
  expect([...named.matchAll(/`(\w+)`/g)].map(([, event]) => event)).toEqual(ATTENTION_EVENTS)
})

it('has the default of each refresh setting, as the config has it', () => {
  const { properties } = configJsonSchema() as {
    properties: { refresh: { properties: Record<string, { default?: string }> } }
  }
  const rows = [...readme.matchAll(/^\| (`refresh\.[^|]+) \| ([^|]*)\|/gm)]
  const inReadme = rows.flatMap(([, names = '', defaults = '']) => {
    const values = [...defaults.matchAll(/`([^`]+)`/g)].map(([, value]) => value)
    return [...names.matchAll(/`refresh\.(\w+)`/g)].map(([, name], index) => [name, values[index]])
  })
  const inConfig = Object.entries(properties.refresh.properties).map(([name, setting]) => [
    name,
    setting.default,
  ])
  expect(inReadme).toEqual(inConfig)
})

it('has every route, under the callers that may ask for it, and no other', () => {
  const who = { anyone: 'anyone on loopback', callers: 'callers', owner: 'owner' }
  const routes = routesOf(recordedDeps().deps).map(
    ({ method, path, access }) => `${method.toUpperCase()} ${path}: ${who[access]}`,
  )
  const section = readme.slice(readme.indexOf('### HTTP'), readme.indexOf('## Security model'))
  const rows = section.matchAll(/^\| (`(?:GET|POST|PUT|DELETE)\b.*?) \| (.*?) \|/gm)
  const told = [...rows].flatMap(([, requests = '', access = '']) =>
    inRow(requests).map((request) => `${request}: ${access}`),
  )
  expect(told.sort()).toEqual(routes.sort())
})

/** A row may leave out the method where it is that of the one before, and the path where it follows. */
function inRow(requests: string): string[] {
  const parts = [...requests.matchAll(/`([^`]+)`/g)].map(([, part = '']) => part)
  const paths = parts.map((part) => /\/\S*/.exec(part)?.[0])
  let method = ''
  return parts.map((part, index) => {
    method = /^[A-Z]+/.exec(part)?.[0] ?? method
    return `${method} ${paths[index] ?? paths.slice(index).find(Boolean) ?? ''}`
  })
}

it('names only files of this checkout', () => {
  const named = readme.matchAll(/`((?:systemd|launchd|test|docs)\/[\w./-]+)`/g)
  for (const [, path = ''] of named) {
    expect(existsSync(join(import.meta.dirname, '..', path)), path).toBe(true)
  }
})

describe('the troubleshooting tables', () => {
  const section = readme.slice(
    readme.indexOf('## Troubleshooting'),
    readme.indexOf('## How it is built'),
  )
  const rows = [...section.matchAll(/^\| (`.*?) \| (.*) \|$/gm)].map(
    ([, codes = '', rest = '']) => {
      return { codes: [...codes.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code), rest }
    },
  )
  const named = new Set(rows.flatMap(({ codes }) => codes))

  it('have every code that a request can fail with, with its exit code', () => {
    for (const [code, { exit }] of Object.entries(ERROR_CODES)) {
      const row = rows.find(({ codes }) => codes.includes(code))
      expect(row?.rest, code).toMatch(new RegExp(`^${exit} \\|`))
    }
  })

  it('have every code of what can be wrong with the daemon', () => {
    expect(DAEMON_PROBLEMS.filter((code) => !named.has(code))).toEqual([])
  })

  it('have every code of what can be wrong with an app', () => {
    // How a case came about, where no failure has given it a name: these are never shown.
    const derived = new Set<string>([
      ...['signed_out', 'token_ended', 'refresh_refused', 'secret_forgotten'],
      ...['app_refused', 'renewing', 'not_stored', 'service_signed_out'],
      ...['secret_forgotten_elsewhere', 'service_signed_out_elsewhere'],
      ...['not_renewable', 'last_token_refused'],
    ])
    const shown = Object.keys(CASES).filter((name) => !derived.has(name))
    expect(shown.filter((name) => !named.has(name))).toEqual([])
  })

  it('have every code that a sign-in can end with', () => {
    const source = readdirSync(join(import.meta.dirname, '../src/broker'), {
      recursive: true,
      withFileTypes: true,
    })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))
      .join('')
    const codes = [...source.matchAll(/\btoFailedSignIn\(\s*'([a-z_]+)'/g)].map(
      ([, code = '']) => code,
    )
    expect(codes.length).toBeGreaterThan(5)
    expect(codes.filter((code) => !named.has(code))).toEqual([])
  })
})

it('begins with commands of npm that install what they need', () => {
  const firstPage = readme.slice(0, readme.indexOf('### As a service'))
  const { scripts } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
  ) as { scripts: Readonly<Record<string, string>> }
  const named = [...firstPage.matchAll(/`?npm (?:run )?(demo|test|package|dev)\b/g)]
  const run = new Set(named.map(([, name = '']) => name))
  expect([...run].sort()).toEqual(['demo', 'package', 'test'])
  for (const name of run) expect(scripts[name]).toMatch(/^node scripts\/ensure-installed\.mjs && /)
})

it('begins without words that only people who run services know', () => {
  const firstPage = readme.slice(0, readme.indexOf('### As a service'))
  expect(firstPage.length).toBeGreaterThan(5_000)
  expect(firstPage.match(/\b(?:argv|issuers?|drop-ins?|stdin|PKCE|XDG\w*)\b/gi)).toBeNull()
})
