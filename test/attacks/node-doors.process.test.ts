/** Node's own doors: what would open the daemon, or make it print what it holds, opens and prints nothing. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../faults/owner.ts'
import { seededHome } from '../faults/seeded-home.ts'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  runCli,
  startDaemonProcess,
} from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'

let server: RunningAuthorizationServer
let home: Home

beforeAll(async () => {
  server = await startAuthorizationServer()
  home = await seededHome(server, { apps: { 'evo-me': 'fresh' } })
})
afterAll(async () => {
  await home.remove()
  await server.close()
})

/** A daemon whose stderr, which nothing of ours writes to while it runs, goes to a file. */
async function startHeard(env: NodeJS.ProcessEnv = {}) {
  const heard = join(home.directory, 'stderr')
  const under = ['sh', '-c', 'exec "$0" "$@" 2>"$HEARD"']
  const daemon = await startDaemonProcess(home, { under, env: { ...env, HEARD: heard } })
  return { daemon, stderr: () => readFile(heard, 'utf8') }
}

/** The ports on which the process listens, as the kernel has them. */
function listeningPorts({ pid }: DaemonProcess): readonly number[] {
  const inodes = readdirSync(`/proc/${pid}/fd`).flatMap(
    (fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      // proc_net_tcp(5): local address, remote address, state (0A is LISTEN), …, inode.
      .filter(([, , , state, , , , , , inode = '']) => state === '0A' && inodes.includes(inode))
      .map(([, local = '']) => parseInt(local.split(':')[1] ?? '', 16)),
  )
}

/** Empty for a descriptor that was closed since it was listed. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

describe('SIGUSR1', () => {
  itNeeds(existsSync('/proc/self/net/tcp') ? undefined : 'no /proc')(
    'opens no inspector',
    async () => {
      const { daemon, stderr } = await startHeard()
      await using running = daemon
      process.kill(running.pid, 'SIGUSR1')
      // A reload takes many turns of the event loop, in any of which the inspector would come up.
      process.kill(running.pid, 'SIGHUP')
      await running.logged(({ msg }) => msg === 'reloaded')
      expect(await ask(running.socket, '/v1/apps/evo-me/token')).toMatchObject({ status: 200 })
      const own = Number(new URL(running.url).port)
      expect(new Set(listeningPorts(running))).toEqual(new Set([own]))
      expect(await stderr()).toBe('')
    },
  )
})

describe('the daemon does not start with', () => {
  it.each([
    [{ NODE_OPTIONS: '--inspect=127.0.0.1:0' }, '--inspect in NODE_OPTIONS'],
    [{ NODE_OPTIONS: '-"-inspect=127.0.0.1:0"' }, '--inspect in NODE_OPTIONS'],
    [{ NODE_OPTIONS: '--tls_keylog=/nonexistent/keys' }, '--tls-keylog in NODE_OPTIONS'],
    [{ NODE_DEBUG: 'http,net,tls,undici' }, 'NODE_DEBUG'],
    [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'NODE_TLS_REJECT_UNAUTHORIZED=0'],
  ])('%o, and says so', async (env, named) => {
    await using empty = await createHome()
    const { code, stdout, stderr } = await runCli(empty, ['serve'], { env })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(named)
    expect(readdirSync(empty.directory)).toEqual([])
  })
})

describe('DEBUG=*, which the libraries listen to', () => {
  it('prints no token and no key', async () => {
    const { daemon, stderr } = await startHeard({ DEBUG: '*' })
    await using running = daemon
    const key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
    const headers = { authorization: `Bearer ${key}` }
    const answer = await fetch(`${running.url}/v1/apps/evo-me/token`, { headers })
    const { access_token: token } = (await answer.json()) as { access_token: string }
    const refreshed = await ask(running.socket, '/v1/apps/evo-me/refresh', 'POST')
    expect(await running.stop()).toBe(0)
    const printed = await stderr()
    expect(printed).toContain('router')
    for (const secret of [key, token, String(refreshed.body.access_token)]) {
      expect(secret.length).toBeGreaterThan(20)
      expect(printed).not.toContain(secret)
    }
  })
})

describe('NODE_DEBUG=*, in the environment of a command', () => {
  it('prints no token and no key', async () => {
    await using daemon = await startDaemonProcess(home)
    const key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
    const get = ['get', 'evo-me', '--url', daemon.url]
    const { code, stdout, stderr } = await runCli(home, get, { env: { NODE_DEBUG: '*' } })
    expect(code).toBe(0)
    expect(stderr).toContain('NET ')
    for (const secret of [key, stdout.trim()]) expect(stderr).not.toContain(secret)
  })
})
