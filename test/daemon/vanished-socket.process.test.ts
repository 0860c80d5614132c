/** The owner socket is removed below a daemon that runs, as logind does at the last logout. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createHome, type Home, runCli, startDaemonProcess } from '../support/daemon-process.ts'

const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

function endpointOf({ stateDir }: Home): { socket: string; url: string; pid: number } {
  return JSON.parse(readFileSync(join(stateDir, 'endpoint.json'), 'utf8')) as never
}

describe('an owner socket whose directory is removed', () => {
  it('is made again at a heartbeat, said once, and reached by the command line', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, { heartbeatMs: 100 })
    rmSync(join(home.directory, 'run'), { recursive: true })
    const line = await daemon.logged(({ msg }) => msg.includes('made again'))
    expect(line.socket).toBe(join(home.directory, 'run/owner.sock'))
    expect((await runCli(home, ['reload'])).code).toBe(0)
    expect(await daemon.stop()).toBe(0)
    expect(daemon.log.filter(({ msg }) => msg.includes('made again'))).toHaveLength(1)
  })

  it('is made in the state directory where its own cannot be had', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, { heartbeatMs: 100 })
    rmSync(join(home.directory, 'run'), { recursive: true })
    writeFileSync(join(home.directory, 'run'), '')
    const line = await daemon.logged(({ msg }) => msg.includes('made again'))
    expect(line.socket).toBe(join(home.stateDir, 'run/owner.sock'))
    expect(endpointOf(home)).toEqual({ socket: line.socket, url: daemon.url, pid: daemon.pid })
    expect((await runCli(home, ['reload'])).code).toBe(0)
  })
})

describe('the file that names the socket, when it is removed', () => {
  it('is written again at a heartbeat: without it, clients with another environment would find no daemon', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, { heartbeatMs: 100 })
    rmSync(join(home.stateDir, 'endpoint.json'))
    await daemon.logged(({ msg }) => msg.includes('was removed: it was written again'))
    expect(endpointOf(home)).toEqual({ socket: daemon.socket, url: daemon.url, pid: daemon.pid })
    const elsewhere = { EVO_TOKEN_RUNTIME_DIR: join(home.directory, 'elsewhere') }
    expect(await runCli(home, ['reload'], { env: elsewhere })).toMatchObject({ code: 0 })
  })
})

describe('a client that finds no socket', () => {
  it('asks over TCP as the caller local, for what a caller may ask', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home)
    rmSync(daemon.socket)
    const { code, stdout } = await runCli(home, ['status'])
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('one') as string,
    })
  })

  it('asks for a refresh as any caller may', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home)
    rmSync(daemon.socket)
    const { code, stderr } = await runCli(home, ['refresh', 'one'])
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringContaining('is not signed in') as string,
    })
  })

  it('names no process that has the number of a daemon that was killed', async () => {
    await using home = await createHome(CONFIG)
    const daemon = await startDaemonProcess(home)
    await daemon.stop('SIGKILL')
    const endpoint = { socket: daemon.socket, url: daemon.url, pid: process.pid }
    writeFileSync(join(home.stateDir, 'endpoint.json'), JSON.stringify(endpoint), { mode: 0o600 })
    const { code, stderr } = await runCli(home, ['status'])
    expect(code).toBe(4)
    expect(stderr).not.toMatch(/Process \d|`kill/)
  })

  it('names the process that runs all the same', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home)
    writeFileSync(
      join(home.stateDir, 'endpoint.json'),
      JSON.stringify({ socket: join(home.directory, 'none.sock'), pid: daemon.pid }),
      { mode: 0o600 },
    )
    rmSync(daemon.socket)
    const { code, stderr } = await runCli(home, ['reload'])
    expect(code).toBe(4)
    expect(stderr).toContain(`The daemon's process ${daemon.pid} still runs, and cannot be reached`)
  })
})

describe('a second daemon', () => {
  it('says which process runs, and what to do', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home)
    const { code, stderr } = await runCli(home, ['serve'])
    expect(code).not.toBe(0)
    expect(stderr).toContain(`(pid ${daemon.pid}) already runs with the state directory`)
    expect(stderr).toContain(`\`kill ${daemon.pid}\``)
  })
})
