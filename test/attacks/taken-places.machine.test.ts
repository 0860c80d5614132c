/** Places that a squatter had before the daemon came, or wants while it runs. */
import { once } from 'node:events'
import { lchownSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { run } from '../cli/stand-in.ts'
import { createHome, type Home, runCli, startDaemonProcess } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { homeLeftByKill, pythonClient, shell } from './left-home.ts'
import { NOBODY, noOtherUser } from './as-nobody.ts'
import { httpJson, LOOPBACKS, startSquatter } from './squatter.ts'

const it = itNeeds(LOOPBACKS.length === 2 ? undefined : 'this machine has no ::1')

const configFor = (port: number) => ({
  listen: { port },
  vault: { key: 'file' },
  apps: { 'evo-me': { type: 'native', clientId: 'native-1', scopes: ['evo.discovery'] } },
})

describe('the port', () => {
  for (const host of LOOPBACKS) {
    it(`is refused, and named, where ${host} is taken and the other family’s is free`, async () => {
      await using squatter = await startSquatter({ host, port: 0 }, () => '')
      await using home = await createHome(configFor(squatter.port))
      const { code, stderr } = await runCli(home, ['serve'])
      expect(code).toBe(1)
      expect(stderr).toContain(`Port ${squatter.port} of ${host} is taken`)
    })
  }

  it('cannot be had by another user at any address of loopback while the daemon runs', async () => {
    await using home = await createHome(configFor(0))
    await using daemon = await startDaemonProcess(home)
    const port = Number(new URL(daemon.url).port)
    for (const host of [...LOOPBACKS, '0.0.0.0', '::']) {
      const squatter = createServer().listen({ host, port })
      await expect(once(squatter, 'listening'), host).rejects.toMatchObject({ code: 'EADDRINUSE' })
    }
  })
})

describe('a socket that another user planted where the owner’s would be', () => {
  const it = itNeeds(noOtherUser ?? missingCommands('python3', 'curl'))
  const answer = () => httpJson({ app: 'evo-me', access_token: 'planted', expires_in: 3600 })
  let home: Home
  let planted: string

  beforeAll(async () => {
    ;({ home } = await homeLeftByKill())
    // As after a restart of the machine, where the runtime directory was below /tmp.
    const directory = join(home.directory, 'run')
    rmSync(directory, { recursive: true })
    mkdirSync(directory, { mode: 0o755 })
    lchownSync(directory, NOBODY, NOBODY)
    planted = join(directory, 'owner.sock')
  })
  afterAll(() => home.remove())

  async function plant() {
    const squatter = await startSquatter({ path: planted }, answer)
    lchownSync(planted, NOBODY, NOBODY)
    return squatter
  }

  it('is not used by evo-token', async () => {
    await using squatter = await plant()
    for (const words of ['get evo-me', 'status', 'caller add notebook', 'secret evo-me']) {
      const ran = await run(home, words.split(' '), { input: 'a-client-secret\n' })
      expect(ran, words).toMatchObject({ code: 4, stdout: '' })
      expect(ran.stderr).toContain('belongs to another user')
    }
    expect(squatter.heard).toBe('')
  })

  it('is not used by the functions for the shell', async () => {
    await using squatter = await plant()
    const { code, stdout, stderr } = await shell(home, 'evo_token evo-me')
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toContain('is not used')
    expect(squatter.heard).toBe('')
  })

  it('is not used by the Python client', async () => {
    await using squatter = await plant()
    const { code, stdout, stderr } = await pythonClient(home)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('belongs to another user')
    expect(squatter.heard).toBe('')
  })
})
