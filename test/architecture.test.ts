import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const PAGE_PACKAGES = ['eventsource-parser', 'lit/directives/repeat.js', 'lit/html.js', 'uplot']

/**
 * Which part of `src` may import which: read top to bottom, dependencies only point up. A part is
 * a folder, or a file directly in `src`. `core` cannot even reach `node:crypto`.
 */
const MAY_IMPORT: Record<string, { parts: string[]; packages: string[] | 'any' }> = {
  core: { parts: [], packages: [] },
  errors: { parts: ['core'], packages: [] },
  secret: { parts: [], packages: 'any' },
  queue: { parts: [], packages: [] },
  nearest: { parts: [], packages: 'any' },
  platform: { parts: ['core', 'errors'], packages: 'any' },
  config: { parts: ['core', 'errors', 'nearest', 'platform'], packages: 'any' },
  broker: { parts: ['core', 'errors', 'queue'], packages: [] },
  adapters: { parts: ['core', 'errors', 'secret', 'queue', 'config', 'platform'], packages: 'any' },
  http: {
    parts: ['core', 'errors', 'secret', 'nearest'],
    packages: ['express', 'prom-client', 'zod', 'node:crypto', 'node:http', 'node:net'],
  },
  // For a browser: it knows no Node.
  web: { parts: ['core'], packages: PAGE_PACKAGES },
  daemon: {
    parts: [
      'core',
      'errors',
      'secret',
      'queue',
      'config',
      'platform',
      'broker',
      'adapters',
      'http',
    ],
    packages: 'any',
  },
  client: {
    parts: ['core', 'errors', 'secret', 'platform'],
    packages: [
      'node:crypto',
      'node:fs',
      'node:net',
      'node:path',
      'node:timers/promises',
      'node:util',
    ],
  },
  cli: {
    parts: [
      'core',
      'errors',
      'secret',
      'nearest',
      'config',
      'platform',
      'adapters',
      'daemon',
      'client',
    ],
    packages: 'any',
  },
  main: { parts: ['cli'], packages: [] },
}

const SRC = join(import.meta.dirname, '../src')
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.ts'),
)

it('knows every part', () => {
  expect(sources.length).toBeGreaterThan(50)
  expect([...new Set(sources.map(partOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
})

it.each(sources)('src/%s imports only what its part may', (path) => {
  const part = partOf(path)
  const allowed = MAY_IMPORT[part]
  const offending = importsOf(path).filter((specifier) => {
    if (specifier.startsWith('.')) {
      const target = partOf(join(dirname(path), specifier))
      return target !== part && !allowed?.parts.includes(target)
    }
    return allowed?.packages !== 'any' && !allowed?.packages.includes(specifier)
  })
  expect(offending).toEqual([])
})

it.each(sources)('src/%s imports nothing that imports it, not even a type', (path) => {
  const reached = new Set<string>()
  const visit = (from: string) => {
    for (const specifier of importsOf(from)) {
      if (!specifier.startsWith('.')) continue
      const target = join(dirname(from), specifier)
      if (reached.has(target)) continue
      reached.add(target)
      visit(target)
    }
  }
  visit(path)
  expect(reached).not.toContain(path)
})

/** Whatever asks Node which system or user this is, or sets what only POSIX has. */
const ASKS_THE_SYSTEM = /\bprocess\.(?:platform|gete?[ug]id|umask)\b|'SIG(?:TERM|HUP|USR1|QUIT)'/

it.each(sources.filter((path) => partOf(path) !== 'platform'))(
  'src/%s leaves the operating system to src/platform',
  (path) => {
    expect(readFileSync(join(SRC, path), 'utf8').match(ASKS_THE_SYSTEM)).toBeNull()
  },
)

it('asks in one place only which operating system this is', () => {
  const asking = sources.filter((path) =>
    readFileSync(join(SRC, path), 'utf8').includes('process.platform'),
  )
  expect(asking).toEqual(['platform/chosen.ts'])
})

/** Names that may stand in several files of `src`, and why. */
const MAY_REPEAT: readonly { readonly name: RegExp; readonly files: RegExp }[] = [
  // Twins: what one interface of the platform is on POSIX, and what it is on Windows.
  { name: /./, files: /^platform\/(?:posix|windows)\// },
  // What a command does, in a file of its own that is loaded when the command runs.
  { name: /^run$/, files: /^cli\// },
  // The status of an app: our own, and what the client library makes of it for programs.
  { name: /^AppStatus$/, files: /^(?:client\/app-status|core\/status)\.ts$/ },
]

it('exports no name that another file declares as well', () => {
  const declared = sources.flatMap((path) =>
    declarationsOf(path).map((declaration) => ({ path, ...declaration })),
  )
  const exported = new Map(
    declared.filter(({ isExported }) => isExported).map(({ name, path }) => [name, path]),
  )
  const repeated = declared
    .filter(({ name, path }) => exported.has(name) && exported.get(name) !== path)
    .filter(
      ({ name, path }) =>
        !MAY_REPEAT.some(
          (exception) =>
            exception.name.test(name) &&
            exception.files.test(path) &&
            exception.files.test(exported.get(name) ?? ''),
        ),
    )
  expect(declared.length).toBeGreaterThan(2_000)
  expect(repeated.map(({ name, path }) => `${name}: ${path}, ${exported.get(name)}`)).toEqual([])
})

function partOf(path: string) {
  return path.split(/[/.]/)[0] ?? ''
}

/** Static and dynamic imports, and re-exports. */
function importsOf(path: string) {
  const source = readFileSync(join(SRC, path), 'utf8')
  const specifiers = source.matchAll(/(?:\bfrom |\bimport\(|^import )'([^']+)'/gm)
  return [...specifiers].map(([, specifier]) => specifier ?? '')
}

/** The names at the top level of a file. */
function declarationsOf(path: string) {
  const source = readFileSync(join(SRC, path), 'utf8')
  const declarations = source.matchAll(
    /^(export )?(?:default )?(?:declare )?(?:abstract )?(?:async )?(?:const|let|class|interface|type|function\*?) (\w+)/gm,
  )
  return [...declarations].map(([, exported, name = '']) => ({
    name,
    isExported: exported !== undefined,
  }))
}
