/** Files that a person names, and that may be anything: no command waits for one, or reads without end. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clientFor } from '../../src/adapters/share/client-config.ts'
import type { ShareSettings } from '../../src/config/share-settings.ts'
import { lastLinesOf } from '../../src/platform/last-lines.ts'
import { guard, startHolder } from './guard/guarded.ts'
import { createRepository } from './repository.ts'
import { run, startStandIn, status } from './stand-in.ts'

type Kind =
  'a named pipe' | 'a device without an end' | 'a directory' | 'a link to itself' | 'a huge file'

const KINDS: Readonly<Record<Kind, (path: string) => void>> = {
  'a named pipe': (path) => {
    execFileSync('mkfifo', ['-m', '600', path])
  },
  'a device without an end': (path) => {
    symlinkSync('/dev/zero', path)
  },
  'a directory': (path) => {
    mkdirSync(path)
  },
  'a link to itself': (path) => {
    symlinkSync(path, path)
  },
  'a huge file': (path) => {
    writeFileSync(path, '')
    truncateSync(path, 3 * 1024 ** 3)
  },
}

const cases = (left: readonly Kind[] = []) =>
  Object.entries(KINDS).filter(([kind]) => !left.includes(kind as Kind))

function place(): string {
  return join(mkdtempSync(join(tmpdir(), 'evo-named-')), 'file')
}

describe('what a command does where it finds', () => {
  it.each(cases())('%s in place of a private key: refuses it', async (_, make) => {
    await using daemon = await startStandIn({
      'GET /v1/apps/evo-web': () => ({ json: status({ app: 'evo-web' }) }),
    })
    const path = place()
    make(path)
    const { code, stderr } = await run(daemon, ['secret', 'evo-web', '--private-key', path])
    expect(code).toBe(2)
    expect(stderr).toContain(`"${path}" `)
  })

  it.each(cases(['a huge file']))(
    '%s in place of a commit message: refuses it',
    async (_, make) => {
      await using daemon = await startHolder()
      using repository = createRepository()
      const path = place()
      make(path)
      const { code, stderr } = await guard(daemon, repository, ['check', '--message', path])
      expect(code).toBe(1)
      expect(stderr).toContain(`The commit message in ${path} cannot be read`)
    },
  )

  it('a named pipe in place of a hook: leaves it, and guards the others', async () => {
    await using daemon = await startHolder()
    using repository = createRepository()
    mkdirSync(join(repository.directory, '.git/hooks'), { recursive: true })
    KINDS['a named pipe'](join(repository.directory, '.git/hooks/pre-commit'))
    const { code, stderr } = await guard(daemon, repository, 'install')
    expect(code).toBe(1)
    expect(stderr).toContain('pre-commit is no file, so it was left as it is.')
    expect(stderr).toContain('commit-msg checks every commit')
  })
})

describe('the daemon, where it finds', () => {
  it.each(
    cases().flatMap(([kind, make]) =>
      (['ca', 'certificateFile', 'certificateKeyFile'] as const).map(
        (setting) => [kind, setting, make] as const,
      ),
    ),
  )('%s at "share.%s": goes on, and names both', async (_, setting, make) => {
    const path = place()
    make(path)
    const settings: ShareSettings = {
      role: 'keeper',
      type: 'postgresql',
      hosts: ['db.example'],
      database: 'evo',
      user: 'evo',
      [setting]: path,
    }
    expect(() => clientFor(settings, 'db.example', () => undefined, 1000)).toThrow(
      `"share.${setting}": ${path} `,
    )
  })
})

describe('the end of a log', () => {
  it.each([
    ['a named pipe', ''],
    ['a directory', ''],
    ['a huge file', '\0'],
  ] as const)('is read where the log is %s', (kind, expected) => {
    const path = place()
    KINDS[kind](path)
    expect(lastLinesOf(path).slice(0, 1)).toBe(expected)
  })
})
