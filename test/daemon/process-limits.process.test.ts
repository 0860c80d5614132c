import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connectionsFor } from '../../src/daemon/process-limits.ts'
import { answerTo } from '../attacks/answer-to.ts'
import { createHome, startDaemonProcess } from '../support/daemon-process.ts'

const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

describe('connectionsFor', () => {
  it.each([
    [undefined, 4096],
    [Infinity, 4096],
    [20_000, 4096],
    [1024, 464],
    [256, 80],
    [100, 12],
  ])('leaves files for other things: %s open files, %s connections', (openFiles, connections) => {
    expect(connectionsFor(openFiles)).toBe(connections)
  })
})

describe('a daemon that may open few files', () => {
  it.each([256, 320])(
    'says so, and answers more callers at once than it has room for: %s',
    async (files) => {
      await using home = await createHome(CONFIG)
      await using daemon = await startDaemonProcess(home, {
        under: ['prlimit', `--nofile=${files}`],
      })
      expect(daemon.log.map(({ msg }) => msg).join('\n')).toContain(
        `the limit for open files is low (${files})`,
      )
      const key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
      const { host, port } = new URL(daemon.url)
      const request = `GET /v1/apps HTTP/1.0\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\n\r\n`
      const ask = () => answerTo({ port: Number(port), host: '127.0.0.1' }, request)
      await Promise.all(Array.from({ length: 3 * files }, ask))
      expect(await ask()).toBe('HTTP/1.1 200')
      expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([])
    },
    240_000,
  )
})

describe('a daemon that may open hardly any file', () => {
  it('does not start, and says what to raise', async () => {
    await using home = await createHome(CONFIG)
    const started = startDaemonProcess(home, { under: ['prlimit', '--nofile=100'] })
    await expect(started).rejects.toThrow('may have 100 files open at once')
  })
})

describe('a daemon that a person starts', () => {
  it('leaves no core dump with what is in its memory', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, {
      under: ['prlimit', '--core=unlimited'],
    })
    const of = (name: string) => readFileSync(`/proc/${daemon.pid}/${name}`, 'utf8')
    expect(of('limits')).toMatch(/^Max core file size +0 +0 /m)
    expect(of('coredump_filter').trim()).toBe('00000000')
  })
})
