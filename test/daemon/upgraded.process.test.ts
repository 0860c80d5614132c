/** The files of the program are replaced or removed while its daemon runs, as an upgrade does. */
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createHome, MAIN, runCli, startDaemonProcess } from '../support/daemon-process.ts'

const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

const ROOT = dirname(dirname(MAIN))

/** A copy of the program, which a test may change. It finds its packages in the checkout, where it is in it. */
function installed(
  parent = join(ROOT, 'build'),
): { readonly directory: string; readonly main: string } & Disposable {
  const directory = mkdtempSync(join(parent, 'installed-'))
  cpSync(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'))
  return {
    directory,
    main: join(directory, 'dist/main.js'),
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

describe('a daemon whose files are', () => {
  it('replaced says so once, and status shows the old and the new version', async () => {
    using program = installed()
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, { main: program.main })
    const manifest = join(program.directory, 'package.json')
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    writeFileSync(manifest, JSON.stringify({ version: '99.1.0' }))
    await daemon.logged(({ msg }) => msg.includes('Restart the daemon'))
    const { stdout, stderr } = await runCli(home, ['status'])
    expect(stdout + stderr).toContain(`runs evo-token ${version}`)
    expect(stdout + stderr).toContain('99.1.0')
  }, 240_000)

  it('removed still answers with metrics, and talks to authorization servers', async () => {
    using program = installed()
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, {
      main: program.main,
      args: ['--log-level', 'debug'],
    })
    await daemon.logged(({ msg }) => msg === 'loaded')
    rmSync(program.directory, { recursive: true })
    const key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
    const headers = { authorization: `Bearer ${key}` }
    const metrics = await fetch(`${daemon.url}/metrics`, { headers })
    expect(metrics.status).toBe(200)
    expect(await metrics.text()).toContain('evo_token_')
    await daemon.logged(({ msg }) => msg.includes('are gone'))
  }, 240_000)

  it('removed with its packages says what to do where it needs one of them', async () => {
    using program = installed(tmpdir())
    symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(program.directory, 'node_modules'))
    await using home = await createHome({ ...CONFIG, vault: { key: 'file' } })
    await using daemon = await startDaemonProcess(home, { main: program.main })
    rmSync(program.directory, { recursive: true })
    const moved = await runCli(home, ['vault', 'move-key', '--to', 'keychain'])
    expect(moved.stderr).toMatch(/files of evo-token, or Node, are not where they were/)
    expect(moved.stderr).toContain('Restart the daemon')
    expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([])
  }, 240_000)
})
