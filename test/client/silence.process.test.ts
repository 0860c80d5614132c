/** A daemon that accepts connections and says nothing, as one that is stopped does. */
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
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

  /** Accepts connections, and says nothing. */
  async function listenSilently(path: string) {
    const opened = new Set<Socket>()
    const server = createServer((socket) => {
      opened.add(socket.on('error', () => undefined))
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    return {
      [Symbol.dispose]: () => {
        for (const socket of opened) socket.destroy()
        server.close()
      },
    }
  }

  it.each(['the socket of a killed daemon', 'a socket that it never had'])(
    'is not taken for another program that says nothing in the place of %s',
    async (where) => {
      await using home = await createHome(CONFIG)
      const killed = await startDaemonProcess(home)
      await killed.stop('SIGKILL')
      const named = where === 'a socket that it never had'
      const path = named ? join(home.directory, 'other.sock') : killed.socket
      rmSync(path, { force: true })
      using _other = await listenSilently(path)
      // Its number may be another program's by now, such as that of this test.
      const endpoint = { socket: killed.socket, url: killed.url, pid: process.pid }
      writeFileSync(join(home.stateDir, 'endpoint.json'), JSON.stringify(endpoint), { mode: 0o600 })
      await using daemon = named ? await startDaemonProcess(home) : undefined
      const args = ['status', ...(named ? ['--socket', path] : [])]
      const { code, stderr } = await runCli(home, args)
      expect(code).toBe(4)
      expect(stderr).toContain(`What listens on ${path} gives no sign of life.`)
      expect(stderr).not.toMatch(/`kill|End its process/)
      expect(daemon?.log.filter(({ level }) => level === 'error') ?? []).toEqual([])
    },
    240_000,
  )

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
