/** A Python caller whose daemon has lost its socket, is silent, or is slow. */
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { createHome, type Home, runCli, startDaemonProcess } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'

const PYTHONPATH = join(import.meta.dirname, '../../clients/python/src')

const missing = missingCommands('python3')

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script without the packages of the machine. */
function runPython(home: Home, script: string): Promise<Ran> {
  const env = { ...home.env, PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1' }
  return new Promise((resolve) => {
    const child = execFile('python3', ['-S', '-c', script], { env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}

const tokenFrom = (socket: string) => `
from evo_token import TokenClient
print(TokenClient(socket='${socket}').get_token('pipeline').app)`

describe.concurrent('the Python client', () => {
  itNeeds(missing)('goes on over TCP where the socket was removed', async () => {
    await using server = await startAuthorizationServer()
    const { clientId, clientSecret } = server.clients.service
    await using home = await createHome({
      issuer: server.issuer,
      listen: { port: 0 },
      vault: { key: 'file' },
      apps: { pipeline: { type: 'service', clientId, scopes: ['evo.discovery', 'evo.workspace'] } },
    })
    await using daemon = await startDaemonProcess(home)
    await runCli(home, ['secret', 'pipeline'], { input: clientSecret })
    const ask = `import evo_token; print(evo_token.get_token('pipeline').app)`

    // Another program in the place of the socket is no daemon.
    const endpoint = join(home.stateDir, 'endpoint.json')
    const written = await readFile(endpoint)
    const socket = join(home.directory, 'other.sock')
    const other = createServer((program) => program.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(socket)
    await once(other, 'listening')
    await writeFile(endpoint, JSON.stringify({ url: daemon.url, socket, pid: daemon.pid }))
    expect(await runPython(home, ask)).toEqual({ code: 0, stdout: 'pipeline\n', stderr: '' })
    other.close()
    await writeFile(endpoint, written)

    await rm(daemon.socket)
    expect(await runPython(home, ask)).toEqual({ code: 0, stdout: 'pipeline\n', stderr: '' })

    // The daemon makes its socket anew within seconds: it must not come to that.
    process.kill(daemon.pid, 'SIGSTOP')
    await rm(daemon.socket, { force: true })
    await rm(join(home.stateDir, 'access-key'))
    const refused = await runPython(home, ask)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(
      `The daemon's process ${daemon.pid} still runs, and cannot be reached`,
    )
  })

  itNeeds(missing)('gives up soon where nothing gives a sign of life', async () => {
    await using home = await createHome()
    const socket = join(home.directory, 'silent.sock')
    const silent = createServer().listen(socket)
    await once(silent, 'listening')
    const refused = await runPython(home, tokenFrom(socket))
    silent.close()
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`What listens on "${socket}" gives no sign of life.`)
  })

  itNeeds(missing)('waits for an answer as long as the daemon answers others', async () => {
    await using home = await createHome()
    const socket = join(home.directory, 'slow.sock')
    let answer = (): void => undefined
    const slow = createHttpServer((request, response) => {
      if (request.url === '/healthz') {
        response.end('{"status":"ok"}')
        answer()
        return
      }
      answer = () => {
        response.end('{"app":"pipeline","access_token":"a","expires_in":60}')
      }
    }).listen(socket)
    await once(slow, 'listening')
    const served = await runPython(home, tokenFrom(socket))
    slow.close()
    expect(served).toEqual({ code: 0, stdout: 'pipeline\n', stderr: '' })
  })
})

describe('what systemd says of the service', () => {
  itNeeds(missing)('is understood', () => {
    const script = `
from evo_token._service import _from_systemd
for load, active, sub in [
    ("not-found", "inactive", "dead"), ("loaded", "activating", "start"), ("loaded", "reloading", "reload"),
    ("loaded", "deactivating", "stop-sigterm"), ("loaded", "active", "running"),
    ("loaded", "activating", "auto-restart"), ("loaded", "failed", "failed"), ("loaded", "inactive", "dead"),
]:
    print(_from_systemd(f"LoadState={load}\\nActiveState={active}\\nSubState={sub}\\n").state)
print(_from_systemd("LoadState=loaded\\nActiveState=inactive\\nJob=12\\n").state)
print(_from_systemd("").state, _from_systemd("NRestarts=7\\n").restarts)`
    const { stdout } = spawnSync('python3', ['-S', '-c', script], {
      env: { ...process.env, PYTHONPATH },
      encoding: 'utf8',
    })
    expect(stdout.trim().split('\n')).toEqual([
      ...['none', 'starting', 'starting', 'stopping', 'running', 'failed', 'failed', 'failed'],
      'starting',
      'none 7',
    ])
  })
})
