/** `npm run dev`, of a checkout of its own that has what is built here. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { createHome, MAIN, startDaemonProcess } from './support/daemon-process.ts'
import { until } from './support/until.ts'

const ROOT = join(dirname(MAIN), '..')

function checkout(): string {
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-dev-'))
  onTestFinished(() => {
    rmSync(directory, { recursive: true })
  })
  mkdirSync(join(directory, 'scripts'))
  copyFileSync(join(ROOT, 'scripts/dev.mjs'), join(directory, 'scripts/dev.mjs'))
  symlinkSync(dirname(MAIN), join(directory, 'dist'))
  return directory
}

it('serves beside the daemon of the developer, whose variables it does not take', async () => {
  const app = { type: 'native', clientId: 'native-1', scopes: ['evo.discovery'] }
  await using home = await createHome({
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: { own: app },
  })
  await using own = await startDaemonProcess(home)
  const directory = checkout()
  const script = join(directory, 'scripts/dev.mjs')
  // Its own group, of which all end with it.
  const dev = spawn(process.execPath, [script], { env: home.env, detached: true, stdio: 'ignore' })
  const ended = once(dev, 'exit')
  try {
    const endpoint = await until(
      'the second daemon answers',
      () => readFileSync(join(directory, 'build/dev/state/endpoint.json'), 'utf8'),
      (text) => text.includes('"url"'),
    )
    const { url } = JSON.parse(endpoint) as { url: string }
    expect(url).not.toBe(own.url)
    expect(new URL(url).port).not.toBe('13860')
    expect((await fetch(`${own.url}/healthz`)).status).toBe(200)
    const { stdout } = await promisify(execFile)(process.execPath, [script, 'status', '--json'], {
      env: home.env,
    })
    expect(stdout).toContain('"evo-me"')
    expect(stdout).not.toContain('"own"')
  } finally {
    process.kill(-(dev.pid ?? 0))
    await ended
  }
})
