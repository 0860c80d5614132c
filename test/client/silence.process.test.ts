/** A daemon that accepts connections and says nothing, as one that is stopped does. */
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createHome, runCli, startDaemonProcess } from '../support/daemon-process.ts'

const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

describe('a daemon that gives no sign of life', () => {
  it('is told of within seconds, with the process to end', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home)
    process.kill(daemon.pid, 'SIGSTOP')
    const { code, stderr } = await runCli(home, ['status'])
    expect(code).toBe(4)
    expect(stderr).toContain('gives no sign of life')
    expect(stderr).toContain(`\`kill ${daemon.pid}\``)
  }, 240_000)

  it('is waited for while it answers another question', async () => {
    await using home = await createHome(CONFIG)
    let asked = 0
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (bytes) => {
        const isProbe = bytes.toString().includes('/healthz')
        if (isProbe) asked += 1
        const body = isProbe ? '{"status":"ok"}' : '{"apps":[]}'
        const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
        // Twice it only shows that it is alive.
        if (isProbe) socket.end(answer)
        else waiting.push(() => socket.end(answer))
        if (asked === 2) for (const tell of waiting) tell()
      })
    })
    const waiting: (() => void)[] = []
    const path = join(home.directory, 'slow.sock')
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const { code, stderr } = await runCli(home, ['status', '--socket', path])
    expect(code, stderr).toBe(0)
    expect(stderr).not.toContain('waiting for it')
    server.close()
    rmSync(path, { force: true })
  }, 240_000)
})
