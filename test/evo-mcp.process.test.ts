/**
 * Seequent's evo-mcp server beside us: what it reads is read here by its own rule. It takes the member
 * `access_token` of `.cache/evo_token_cache.json`, anew at each use, and signs in by itself where the JWT's `exp` is over.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { fileChecks } from '../src/cli/doctor/file-checks.ts'
import { parseConfig } from '../src/config.ts'
import { seededHome } from './faults/seeded-home.ts'
import { startAuthorizationServer } from './support/authorization-server.ts'
import { createHome, runCli, startDaemonProcess } from './support/daemon-process.ts'
import { createRepository } from './cli/repository.ts'
import { until } from './support/until.ts'

const CACHE = '.cache/evo_token_cache.json'

/** As evo-mcp does it; undefined where it would open a browser. */
function tokenOfEvoMcp(checkout: string): string | undefined {
  const { access_token: token } = JSON.parse(readFileSync(join(checkout, CACHE), 'utf8')) as {
    access_token?: string
  }
  const isOver = !token || (decodeJwt(token).exp ?? Infinity) <= Date.now() / 1000
  return isOver ? undefined : token
}

/** A git repository with what a checkout of evo-mcp has. */
function createCheckout({ hasRun = true } = {}) {
  const repository = createRepository()
  repository.write('.gitignore', '.cache/\n')
  if (hasRun) mkdirSync(join(repository.directory, '.cache'))
  mkdirSync(join(repository.directory, 'src/evo_mcp'), { recursive: true })
  return repository
}

describe('evo-mcp', () => {
  it('finds a good token over two lives of it, and never one that ended', async () => {
    await using server = await startAuthorizationServer({ accessTokenTtlS: 10 })
    await using home = await seededHome(server, { apps: { 'evo-me': 'stale' } })
    using checkout = createCheckout()
    const { directory } = checkout
    const config = JSON.parse(readFileSync(home.config, 'utf8')) as object
    const example = readFileSync(
      join(import.meta.dirname, '../examples/evo-mcp/config.json'),
      'utf8',
    )
    const { files } = JSON.parse(example) as { files: object[] }
    await home.write({
      ...config,
      files: files.map((file) => ({ ...file, path: join(directory, CACHE) })),
    })
    await using _daemon = await startDaemonProcess(home, { heartbeatMs: 100 })
    const path = join(directory, CACHE)
    await until('the token is there', () => existsSync(path))
    const lives = new Set<string>()
    const look = () => {
      const token = tokenOfEvoMcp(directory)
      expect(token).toBeDefined()
      return lives.add(token ?? '').size
    }
    await until('it had three tokens', look, (count) => count >= 3, { limitMs: 150_000 })
  }, 200_000)

  it('is known to init, which adds its token file, and to doctor', async () => {
    await using home = await createHome()
    // It has not run yet, so that there is no directory for the file.
    using checkout = createCheckout({ hasRun: false })
    const { directory } = checkout
    const init = (name: string, ...more: string[]) =>
      runCli(home, [
        ...['init', '--yes', '--name', name, '--type', 'native', '--client-id', 'native-1'],
        ...more,
      ])
    expect(await init('evo-me', '--evo-mcp', '/nowhere')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a checkout of evo-mcp') as string,
    })
    expect(await init('evo-me', '--evo-mcp', directory)).toMatchObject({ code: 0 })
    const file = { app: 'evo-me', path: join(directory, CACHE), format: 'json' }
    const filesNow = () =>
      (JSON.parse(readFileSync(home.config, 'utf8')) as { files: object[] }).files
    expect(filesNow()).toEqual([file])
    expect(await init('other', '--evo-mcp', directory)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('evo-mcp has the token of "evo-me" there') as string,
    })
    expect(filesNow()).toEqual([file])

    const said = async (format: 'json' | 'raw') => {
      const ownPlaces = { stateDir: home.stateDir, config: home.config }
      const [check] = fileChecks([{ ...file, format }], ownPlaces).get('evo-me') ?? []
      return check?.run()
    }
    expect(await said('json')).toBe('evo-mcp finds its token as soon as the daemon has one')
    writeFileSync(join(directory, CACHE), '{}')
    expect(await said('json')).toBe('evo-mcp finds its token')
    await expect(said('raw')).rejects.toThrow('evo-mcp reads')
  })

  it('has an example that is a good config', () => {
    const path = join(import.meta.dirname, '../examples/evo-mcp/config.json')
    expect(parseConfig(readFileSync(path, 'utf8'))).toMatchObject({ kind: 'ok', warnings: [] })
  })
})
