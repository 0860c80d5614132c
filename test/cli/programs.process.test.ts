/** Several copies of evo-token on one machine: `status` and `doctor` tell them apart. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPackageVersion } from '../../src/adapters/process/package-version.ts'
import { createHome, MAIN, runCli, startDaemonProcess } from '../support/daemon-process.ts'

const ROOT = dirname(dirname(MAIN))
const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  vault: { key: 'file' },
  apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

/** Of another version; it finds its packages in the checkout. */
function another(version: string) {
  const directory = mkdtempSync(join(ROOT, 'build/installed-'))
  cpSync(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true })
  const manifest = { name: 'evo-token-sidecar', version, type: 'module' }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
  return {
    directory,
    main: join(directory, 'dist/main.js'),
    [Symbol.dispose]() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

describe('several copies of evo-token', () => {
  it('are told apart where the daemon is another version', async () => {
    using old = another('0.0.7')
    await using home = await createHome(CONFIG)
    await using _daemon = await startDaemonProcess(home, { main: old.main })
    const both = new RegExp(
      `daemon is evo-token 0\\.0\\.7 in ${old.directory}, and this is ${readPackageVersion()} in ${ROOT}\\.`,
    )
    expect((await runCli(home, ['status'])).stderr).toMatch(both)
    expect((await runCli(home, ['doctor'])).stdout).toMatch(
      new RegExp(both.source.replace(home.directory, '~')),
    )
    // What is for programs has no words in it.
    expect((await runCli(home, ['status', '--json'])).stderr).toBe('')
  }, 120_000)

  it('are told apart where several are in PATH, each of them once', async () => {
    using old = another('0.0.7')
    await using home = await createHome(CONFIG)
    await using _daemon = await startDaemonProcess(home)
    const bin = ['npm', 'again', 'deb', 'pip'].map((name) => join(home.directory, name))
    for (const directory of bin) mkdirSync(directory)
    const [npm = '', again = '', deb = '', pip = ''] = bin.map((directory) =>
      join(directory, 'evo-token'),
    )
    symlinkSync(MAIN, npm)
    symlinkSync(npm, again)
    symlinkSync(old.main, deb)
    chmodSync(old.main, 0o755)
    chmodSync(MAIN, 0o755)
    writeFileSync(pip, '#!/bin/sh\necho 0.3.1\n', { mode: 0o755 })
    const env = { PATH: [...bin, process.env.PATH ?? ''].join(':') }
    const said = `Your PATH has 3 copies of evo-token: ${readPackageVersion()} in ${ROOT}, which is the one that runs; and 0.0.7 in ${old.directory}; 0.3.1 in ${pip}.`
    expect((await runCli(home, ['status'], { env })).stderr).toContain(said)
    expect((await runCli(home, ['doctor'], { env })).stdout).toContain(
      said.replaceAll(home.directory, '~'),
    )
    // A shell passes over a directory of that name.
    mkdirSync(join(home.directory, 'src/evo-token'), { recursive: true })
    const one = {
      PATH: [join(home.directory, 'src'), ...[npm, again].map((path) => dirname(path))].join(':'),
    }
    expect((await runCli(home, ['status'], { env: one })).stderr).not.toContain('in your PATH')
  }, 120_000)
})
