/** What the documents name is there: files, folders, and each part of the source. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const MADE = new Set(['node_modules', 'build', 'dist', '.git'])

/** Files and folders of the checkout, without those that are made. */
function pathsBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter(({ name }) => !MADE.has(name))
    .flatMap((entry) => {
      const path = join(directory, entry.name)
      const here = relative(ROOT, path)
      return entry.isDirectory() ? [here, ...pathsBelow(path)] : [here]
    })
}

const paths = pathsBelow(ROOT)
const documents = paths.filter((path) => path.endsWith('.md'))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** What looks like a path of the source: with a slash in it, or with the ending of a program. */
function namedIn(text: string): readonly string[] {
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name)
  return quoted.filter((name) => /^[\w.-]+\/[\w./*-]*$|^[\w.*-]+\.(?:ts|mjs)$/.test(name))
}

/** The documents leave out what is before a name where that is clear: `src/`, or the folder of the name before. */
function isThere(name: string): boolean {
  const escaped = name.replace(/\/$/, '').replace(/[.]/g, '\\.').replace(/\*/g, '[^/]*')
  const pattern = new RegExp(`(?:^|/)${escaped}$`)
  return paths.some((path) => pattern.test(path))
}

/** What is made, and the name of a package. */
const NO_PATH = /^(?:build|dist|evo-token-sidecar)\//

describe('each file that is named is there, in', () => {
  it.each(['CONTRIBUTING.md', 'docs/design.md', 'docs/security.md', 'docs/reliability.md'])(
    '%s',
    (document) => {
      const named = namedIn(read(document)).filter((name) => !NO_PATH.test(name))
      expect(named.filter((name) => !isThere(name))).toEqual([])
    },
  )

  it('the table of changes, whose rows each name one', () => {
    const text = read('CONTRIBUTING.md')
    const section = text.slice(text.indexOf('## Where a change goes'))
    const rows = [...section.matchAll(/^\| (?!change|---)([^|]+) \| ([^|]+) \|/gm)]
    expect(rows.length).toBeGreaterThanOrEqual(15)
    for (const [, change, first = ''] of rows) {
      expect(namedIn(first).length, change).toBeGreaterThan(0)
    }
  })
})

it('every link leads to a file of the checkout', () => {
  const links = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(([, link = '']) =>
      join(dirname(document), link),
    ),
  )
  expect(links.length).toBeGreaterThan(0)
  expect(links.filter((link) => !paths.includes(link))).toEqual([])
})

it('no document is named that is not in the checkout', () => {
  const known = new Set(documents.map((path) => path.split('/').at(-1)))
  const named = paths
    .filter((path) => /^(?:src|docs|bench|demo|scripts)\/.*\.(?:ts|mjs|md|pml)$/.test(path))
    .flatMap((path) => read(path).match(/\b[\w-]+\.md\b/g) ?? [])
  expect(named.filter((name) => !known.has(name))).toEqual([])
})

describe('every folder of the source is named', () => {
  const folders = (directory: string) =>
    readdirSync(join(ROOT, directory), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)

  it.each(['README.md', 'docs/design.md'])('by %s', (document) => {
    const text = read(document)
    const start = text.indexOf(document === 'README.md' ? '## How it is built' : '## Parts')
    const section = text.slice(start, text.indexOf('\n## ', start + 1))
    const missing = [...folders('src'), ...folders('src/adapters')].filter(
      (name) => name !== 'core' && !section.includes(`${name}/`),
    )
    expect(missing).toEqual([])
  })
})
