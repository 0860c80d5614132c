/** `evo-token stop`, of the built program. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createHome, runCli, startDaemonProcess } from './support/daemon-process.ts'

const CONFIG = {
  issuer: 'http://127.0.0.1:9',
  listen: { port: 0 },
  vault: { key: 'file' },
  apps: { pipeline: { type: 'service', clientId: 'pipeline', scopes: ['evo.discovery'] } },
}

it('ends the daemon in order, and comes back when it is gone', async () => {
  await using home = await createHome(CONFIG)
  await using daemon = await startDaemonProcess(home)

  const stopped = await runCli(home, ['stop'])

  expect(stopped).toEqual({ code: 0, stdout: '', stderr: 'The daemon has stopped.\n' })
  expect(existsSync(join(home.stateDir, 'endpoint.json'))).toBe(false)
  expect(await daemon.stop()).toBe(0)
  expect(daemon.log.map(({ msg }) => msg)).toContain('stopped')
})

it('asks the daemon whose socket is named, and does not wait for another one', async () => {
  await using home = await createHome(CONFIG)
  await using daemon = await startDaemonProcess(home)
  await using other = await createHome(CONFIG)
  await using named = await startDaemonProcess(other)
  const { socket } = JSON.parse(readFileSync(join(other.stateDir, 'endpoint.json'), 'utf8')) as {
    socket: string
  }

  const stopped = await runCli(home, ['stop', '--socket', socket])

  expect(stopped).toEqual({ code: 0, stdout: '', stderr: 'The daemon was told to stop.\n' })
  expect(await named.stop()).toBe(0)
  expect(named.log.map(({ msg }) => msg)).toContain('stopped')
  expect(daemon.log.map(({ msg }) => msg)).not.toContain('stopped')
})

it('says that there is none where none runs', async () => {
  await using home = await createHome(CONFIG)
  expect(await runCli(home, ['stop'])).toMatchObject({ code: 4 })
})
