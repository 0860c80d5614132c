import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { connectionsFor } from '../../src/daemon/process-limits.ts'
import { answerTo } from '../attacks/answer-to.ts'
import { createHome, type Home, startDaemonProcess } from '../support/daemon-process.ts'
import { itNeeds } from '../support/needs.ts'

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
    const waysOut = /`ulimit -n 1024`.*LimitNOFILE=1024 under \[Service\].*NumberOfFiles/
    await expect(started).rejects.toThrow(waysOut)
  })

  it.each([0, 1, 2, 3, 7, 20, 40])(
    'does not go round in circles where it cannot even load its own files: %s more than Node needs',
    async (more) => {
      const files = openFilesOfNode() + more
      await using home = await createHome(CONFIG)
      const started = startDaemonProcess(home, { under: ['prlimit', `--nofile=${files}:${files}`] })
      await expect(started).rejects.toThrow(
        /files (may be|open at) .*\n.*`ulimit -n 1024`.*LimitNOFILE=1024 .*NumberOfFiles/,
      )
    },
  )
})

/** With how many open files at most this Node runs a program at all: 19 for Node 20, 22 for Node 22. */
function openFilesOfNode(): number {
  let files = 10
  const runs = () => {
    const program = [process.execPath, join(import.meta.dirname, 'empty.cjs')]
    return spawnSync('prlimit', [`--nofile=${files}:${files}`, ...program]).status === 0
  }
  while (!runs()) files++
  return files
}

describe('a daemon that a person starts', () => {
  it('may leave no core dump, and none with a mapping in it', async () => {
    await using home = await createHome(CONFIG)
    await using daemon = await startDaemonProcess(home, {
      under: ['prlimit', '--core=unlimited'],
    })
    const of = (name: string) => readFileSync(`/proc/${daemon.pid}/${name}`, 'utf8')
    expect(of('limits')).toMatch(/^Max core file size +0 +0 /m)
    expect(of('coredump_filter').trim()).toBe('00000000')
  })

  /** Where the kernel writes a core into the directory of the process. */
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
  const noCores = /^[|]|[/%]/.test(pattern) ? 'core dumps go elsewhere' : undefined
  const MARK = Buffer.from('/healthz')

  /** @param path the only directory in which the daemon finds programs; the usual ones without it. */
  async function crash(home: Home, path?: string): Promise<Buffer | undefined> {
    const directory = join(home.directory, 'here')
    mkdirSync(directory)
    const searched = path === undefined ? [] : [`PATH=${path}`]
    const under = ['prlimit', '--core=unlimited', 'env', '-C', directory, ...searched]
    await using daemon = await startDaemonProcess(home, { under })
    await daemon.stop('SIGSEGV')
    const [core] = readdirSync(directory)
    return core === undefined ? undefined : readFileSync(join(directory, core))
  }

  itNeeds(noCores)('leaves no core dump when it crashes', async () => {
    await using home = await createHome(CONFIG)
    expect(await crash(home)).toBeUndefined()
  })

  itNeeds(noCores)('leaves one without its memory where there is no prlimit', async () => {
    await using home = await createHome(CONFIG)
    const bin = join(home.directory, 'bin')
    mkdirSync(bin)
    const flock = execFileSync('which', ['flock'], { encoding: 'utf8' }).trim()
    symlinkSync(flock, join(bin, 'flock'))
    const core = await crash(home, bin)
    expect(core?.subarray(1, 4).toString()).toBe('ELF')
    const key = readFileSync(join(home.stateDir, 'access-key'))
    expect(core?.includes(key.subarray(0, 20))).toBe(false)
    expect(core?.includes(MARK)).toBe(false)
  })
})
