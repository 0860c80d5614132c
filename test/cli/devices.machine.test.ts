/** What the files that settings name are not: `strace` sees whether they are opened. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { MAIN } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'

const it = itNeeds(missingCommands('strace', 'mkfifo'))

describe('config check', () => {
  let directory: string
  const socket = createServer()

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'evo-devices-'))
    execFileSync('mkfifo', [join(directory, 'pipe')])
    await new Promise<void>((resolve) => socket.listen(join(directory, 'socket'), resolve))
  })

  afterAll(() => {
    socket.close()
    rmSync(directory, { recursive: true })
  })

  /** What was said, and each time that the file at `path` was opened or read. */
  function check(config: object, path: string) {
    const [file, trace] = [join(directory, 'config.json'), join(directory, 'trace')]
    writeFileSync(file, JSON.stringify({ apps: {}, ...config }), { mode: 0o600 })
    const args = ['-f', '-qq', '-e', 'trace=openat,open,read', '-y', '-o', trace]
    const { status, stderr } = spawnSync(
      'strace',
      [...args, process.execPath, MAIN, 'config', 'check', file],
      { encoding: 'utf8', timeout: 60_000 },
    )
    const lines = readFileSync(trace, 'utf8').split('\n')
    const opened = lines.filter((line) => line.includes(`, "${path}",`))
    const read = lines.filter((line) => line.includes(`<${path}>,`))
    return { status, stderr, opened, read }
  }

  for (const name of ['/dev/zero', '/dev/tty', '/proc/kmsg', '/proc/uptime', 'pipe', 'socket']) {
    it(`opens no ${name} that a setting names`, () => {
      const path = name.startsWith('/') ? name : join(directory, name)
      const authority = check({ ca: path }, path)
      expect(authority.status).toBe(2)
      expect(authority.stderr).toContain(`${path}, which "ca" names,`)
      expect(authority.read).toEqual([])
      // Opening does something to a device only.
      if (!path.startsWith('/proc/')) expect(authority.opened).toEqual([])

      const app = { type: 'native', clientId: 'n', scopes: ['offline_access'] }
      for (const format of ['dotenv', 'raw', 'json']) {
        const variable = format === 'dotenv' ? { variable: 'TOKEN' } : {}
        const files = [{ app: 'a', path, format, ...variable }]
        const written = check({ apps: { a: app }, files }, path)
        expect(written.stderr).toContain(path)
        expect([...written.opened, ...written.read]).toEqual([])
      }
    })
  }
})
