/** What is made for npm, installed into an empty prefix. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createHome, startDaemonProcess } from '../support/daemon-process.ts'
import { ROOT } from '../support/evo-world.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { createEmptyPlace, packageFile, VERSION } from './install.ts'

const MIB = 1024 * 1024

const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  vault: { key: 'file' },
  apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

function sizeOf(path: string): number {
  const stats = lstatSync(path)
  if (!stats.isDirectory()) return stats.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

describe('evo-token-sidecar', () => {
  const file = packageFile('evo-token-sidecar-')

  it('is one package of less than 8 MB that runs no script, with its command and its manual page', async () => {
    using place = createEmptyPlace()
    const prefix = join(place.directory, 'prefix')
    const said = place.run('npm', [
      ...['install', '--loglevel=notice', '--global', '--prefix', prefix],
      ...['--foreground-scripts', '--ignore-scripts=false', '--offline', file],
    ])
    expect(said).toMatch(/added 1 package/)
    expect(said).not.toMatch(/> .*install/)
    expect(readdirSync(join(prefix, 'lib/node_modules'))).toEqual(['evo-token-sidecar'])
    expect(sizeOf(prefix)).toBeLessThan(8 * MIB)
    const page = join(prefix, 'share/man/man1/evo-token.1')
    expect(readFileSync(page, 'utf8')).toContain(`evo\\-token ${VERSION}`)

    await using home = await createHome(CONFIG)
    const main = join(prefix, 'bin/evo-token')
    await using daemon = await startDaemonProcess(home, { main })
    const status = place.run(main, ['status', '--socket', daemon.socket])
    expect(status).toContain('signed-out')
    // A person who has no use of the service yet sees what it would be, with the templates of the package.
    expect(readdirSync(join(prefix, 'lib/node_modules/evo-token-sidecar'))).toEqual(
      expect.arrayContaining(['dist', 'systemd', 'launchd', 'config.schema.json', 'LICENSE']),
    )
  })

  itNeeds(missingCommands('git'))(
    'is made by `npm pack` in a clone, and holds nothing stale',
    () => {
      using place = createEmptyPlace()
      const clone = join(place.directory, 'clone')
      const tree = `git ls-files -z --cached --others --exclude-standard --deduplicate |
      xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\\0" "$file"; done' sh |
      tar --create --null --files-from=- | tar --extract --directory='${clone}'`
      mkdirSync(join(clone, 'dist'), { recursive: true })
      writeFileSync(join(clone, 'dist/stale.mjs'), '')
      place.run('sh', ['-ec', `cd '${ROOT}' && ${tree}`])
      symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(clone, 'node_modules'))
      // As npm is without a setting of the person.
      place.run('sh', ['-ec', `cd '${clone}' && npm pack --ignore-scripts=false 2>&1`])
      const names = (archive: string) => place.run('tar', ['-tzf', archive]).split('\n').sort()
      expect(names(join(clone, `evo-token-sidecar-${VERSION}.tgz`))).toEqual(names(file))
      expect(readFileSync(join(ROOT, '.npmrc'), 'utf8')).not.toContain('ignore-scripts')
    },
  )

  it('says under which licences what it holds is, and packs no sources, maps or tests', () => {
    using place = createEmptyPlace()
    const list = place.run('tar', ['-tzf', file]).split('\n')
    expect(
      list.filter((path) => /\.(ts|map)$|\/test\//.test(path) && !path.endsWith('.d.mts')),
    ).toEqual([])
    const notices = place.run('tar', ['-xOzf', file, 'package/dist/NOTICES.txt'])
    for (const name of ['express', 'jose', '@github/keytar', 'undici', 'zod']) {
      expect(notices).toMatch(new RegExp(`^${name} [\\d.]+ \\(`, 'm'))
    }
  })

  it('runs by npx, from the file', () => {
    using place = createEmptyPlace()
    const npx = ['--yes', '--offline', `file:${file}`, '--help']
    expect(place.run('npx', npx)).toContain('Usage: evo-token COMMAND')
  })
})

describe('evo-token-client', () => {
  it('is one package without a dependency, and finds the daemon', async () => {
    using place = createEmptyPlace()
    writeFileSync(join(place.directory, 'package.json'), '{"type":"module"}')
    place.run('npm', ['install', '--offline', packageFile('evo-token-client-')])
    expect(
      readdirSync(join(place.directory, 'node_modules')).filter((name) => !name.startsWith('.')),
    ).toEqual(['evo-token-client'])
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home)
    writeFileSync(
      join(place.directory, 'use.js'),
      `import { TokenClient } from 'evo-token-client'
      const [one] = await new TokenClient({ socket: ${JSON.stringify(daemon.socket)} }).status()
      console.log(one.app, one.session, one.expiresAt)`,
    )
    expect(place.run(process.execPath, ['use.js'])).toBe('one signed-out null\n')
  })

  it('declares names of one style, and nothing of its own parts', () => {
    using place = createEmptyPlace()
    const file = packageFile('evo-token-client-')
    const types = place
      .run('tar', ['-tzf', file])
      .split('\n')
      .filter((path) => path.endsWith('.d.mts'))
    expect(types).toContain('package/client.d.mts')
    const declared = types.map((path) => place.run('tar', ['-xOzf', file, path])).join('\n')
    const code = declared.replaceAll(/\/\*[^]*?\*\//g, '')
    expect(code.match(/\b[a-z]+_\w+/g)).toBeNull()
    expect(code).not.toMatch(/Connection|Answer\b|Moment|node:/)
  })
})
