/** A daemon in odd surroundings: no home, no entry in the user database, a directory that is gone, an odd umask, a limit for files. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { daemonAs, noDaemonOfNobody } from '../attacks/as-nobody.ts'
import { ask, untilStatus } from '../faults/owner.ts'
import { seededHome } from '../faults/seeded-home.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { createHome, MAIN, runCli, startDaemonProcess } from '../support/daemon-process.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'

const CONFIG = {
  issuer: 'http://127.0.0.1:1',
  listen: { port: 0 },
  vault: { key: 'file' },
  apps: { one: { type: 'native', clientId: 'native-1', scopes: ['offline_access'] } },
}

/** No user of the machine has this uid. */
const NAMELESS = 64_242

const inShell = (commands: string) => ['sh', '-c', `${commands} && exec "$@"`, 'sh']

describe('a daemon', () => {
  itNeeds(noDaemonOfNobody())(
    'of a user without a home and without a name, as in a container, is found by its clients',
    async () => {
      await using home = await createHome(CONFIG)
      const env = { HOME: undefined }
      execFileSync('chown', ['-R', `${NAMELESS}`, home.directory])
      const nameless = daemonAs(NAMELESS)
      await using _daemon = await startDaemonProcess(home, { env, under: nameless })
      const [program, ...line] = [...nameless, process.execPath, MAIN]
      for (const command of [['status'], ['doctor'], ['config', 'check']]) {
        const options = { env: { ...home.env, ...env }, encoding: 'utf8' } as const
        const { status, stderr } = spawnSync(program, [...line, ...command], options)
        expect([command, status, stderr]).toEqual([
          command,
          expect.any(Number),
          expect.not.stringContaining('bug'),
        ])
      }
    },
  )

  it('starts where the current directory was removed', async () => {
    await using home = await createHome(CONFIG)
    const gone = join(home.directory, 'gone')
    const under = inShell(`mkdir '${gone}' && cd '${gone}' && rmdir '${gone}'`)
    await using _daemon = await startDaemonProcess(home, { under })
    expect(await runCli(home, ['status'])).toMatchObject({ code: 0 })
  })

  it('keeps its own rights whatever the umask, and gives others none', async () => {
    await using home = await createHome(CONFIG)
    await using _daemon = await startDaemonProcess(home, { under: inShell('umask 0777') })
    const mode = (path: string) => statSync(path).mode & 0o777
    expect(mode(home.stateDir)).toBe(0o700)
    expect(mode(join(home.stateDir, 'vault'))).toBe(0o700)
    for (const entry of readdirSync(home.stateDir, { withFileTypes: true })) {
      if (entry.isFile()) expect(mode(join(home.stateDir, entry.name))).toBe(0o600)
    }
  })

  itNeeds(missingCommands('prlimit'))(
    'that may not write as much as a record takes goes on, spends nothing, and says why',
    async () => {
      await using server = await startAuthorizationServer()
      await using home = await seededHome(server, { apps: { me: 'stale' } })
      await using daemon = await startDaemonProcess(home, { under: ['prlimit', '--fsize=16384'] })
      const { last_error } = await untilStatus(
        daemon.socket,
        'me',
        (status) => status.last_error !== null,
      )
      expect(last_error?.message).toContain('limit for the size of a file')
      expect(server.count('refresh_token')).toBe(0)
      expect((await ask(daemon.socket, '/v1/apps/me/token')).status).toBe(200)
    },
  )
})
