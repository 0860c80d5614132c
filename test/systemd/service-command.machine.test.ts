/** `evo-token service`, for a person and for a machine, in a really booted systemd. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { CLIENTS } from '../support/authorization-server.ts'
import { noUserDirectory, noUserManager } from '../support/booted-systemd.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds, noIpv6 } from '../support/needs.ts'
import { until } from '../support/until.ts'
import {
  configOf,
  HOME,
  type ManagedMachine,
  PERSON,
  startManagedMachine,
} from './managed-machine.ts'

const noBoot = noUserManager()
const UNIT = `${HOME}/.config/systemd/user/evo-token.service`
const CONFIG = `${HOME}/.config/evo-token/config.json`
const STATE = `${HOME}/.local/state/evo-token`
const PROGRAM = '/usr/local/lib/node_modules/evo-token-sidecar'

describe('the service of one person', () => {
  let machine: ManagedMachine
  let port: number

  beforeAll(async () => {
    if (noBoot !== undefined) return
    machine = await startManagedMachine()
    await machine.startUserManager()
    port = await freePort()
    await machine.asPerson(`mkdir -p ${HOME}/.config/evo-token`)
    const options = {
      issuer: machine.server.issuer,
      port,
      apps: ['pipeline'],
      key: 'file',
    } as const
    const config = configOf(options, CLIENTS.service.clientId)
    await machine.asPerson(`tee ${CONFIG}`, config)
  })

  afterAll(async () => {
    if (noBoot === undefined) await machine[Symbol.asyncDispose]()
  })

  const service = (args: string) => machine.asPerson(`evo-token service ${args} 2>&1`)
  const pid = () => machine.user.property('evo-token', 'MainPID')

  itNeeds(noBoot)('is shown, installed, kept, restarted and removed', async () => {
    expect(await service('install --dry-run')).toMatch(/^ListenStream=127\.0\.0\.1:\d+$/m)
    await expect(machine.sh(`test -e ${UNIT}`)).rejects.toThrow()

    expect(await service('install')).toContain('The service runs and answers.')
    expect(await service('install')).toContain('already installed and running')
    expect(await service('status')).toMatch(/^ActiveState: +active$/m)
    await machine.asPerson('evo-token secret pipeline', CLIENTS.service.clientSecret)
    expect(await machine.asPerson('evo-token get pipeline')).toMatch(/^eyJ/)

    const before = await pid()
    await machine.user.ctl('kill --kill-whom=main --signal=KILL evo-token')
    await until('another daemon runs', pid, (now) => !['0', before].includes(now))
    expect(await machine.asPerson('evo-token get pipeline')).toMatch(/^eyJ/)

    // A new request in every turn, on both doors, while the daemon starts again twice.
    const asking = { over: false }
    const asked = (async () => {
      let answers = 0
      while (!asking.over) {
        const { status } = await fetch(`http://127.0.0.1:${port}/healthz`)
        expect(status).toBe(200)
        expect(await machine.asPerson('evo-token get pipeline')).toMatch(/^eyJ/)
        answers += 1
      }
      return answers
    })()
    await machine.user.ctl('restart evo-token.service')
    await machine.user.ctl('restart evo-token.service')
    asking.over = true
    expect(await asked).toBeGreaterThan(0)

    await machine.asPerson(`tee -a ${UNIT}`, '# mine\n')
    await expect(service('install')).rejects.toThrow(/was changed since evo-token wrote it/)
    expect(await service('install --force')).toContain('The service runs and answers.')

    expect(await service('uninstall')).toContain(`The vault stays in ${STATE}`)
    await expect(machine.sh(`test -e ${UNIT}`)).rejects.toThrow()
    await machine.sh(`test -e ${STATE}/vault`)
  })

  itNeeds(noBoot)('outlives a hang, a reload and an upgrade, and is purged', async () => {
    const running = machine.asPerson('evo-token serve --log-level silent').catch(() => '')
    await until(
      'the daemon answers',
      () => machine.sh(`ls ${STATE}`),
      (files) => files.includes('endpoint.json'),
    )
    await expect(service('install')).rejects.toThrow(/stop the `evo-token serve`/)
    await machine.sh(`pkill -u ${PERSON} -f 'main.js serve|evo-token serve'`)
    await running
    expect(await service('install')).toContain('The service runs and answers.')
    // The session that was stored before the service was removed.
    expect(await machine.asPerson('evo-token get pipeline')).toMatch(/^eyJ/)

    await machine.write(`${UNIT}.d/short.conf`, '[Service]\nWatchdogSec=7\n')
    await machine.user.ctl('daemon-reload')
    await machine.user.ctl('restart evo-token.service')
    const hanging = await pid()
    await machine.user.ctl('kill --kill-whom=main --signal=STOP evo-token')
    await until('another daemon runs', pid, (now) => !['0', hanging].includes(now))
    expect(await machine.asPerson('evo-token get pipeline')).toMatch(/^eyJ/)

    await machine.asPerson(`sed -i 's/"pipeline":/"renamed":/' ${CONFIG}`)
    await machine.user.ctl('reload evo-token')
    await until(
      'the app has its new name',
      () => machine.asPerson('evo-token status'),
      (table) => table.includes('renamed'),
    )
    await machine.asPerson(`sed -i 's/"renamed":/"pipeline":/' ${CONFIG}`)
    await machine.user.ctl('reload evo-token')

    const older = await pid()
    await machine.sh(`echo '// newer' >>${PROGRAM}/dist/main.js`)
    expect(await service('install')).toContain('The service runs and answers.')
    expect(await pid()).not.toBe(older)

    expect(await service('uninstall --purge')).toContain(`Removed ${STATE}`)
    await expect(machine.sh(`test -e ${STATE}`)).rejects.toThrow()
    await expect(service('uninstall --purge')).rejects.toThrow(/contains no vault/)
  })
})

describe('the service of a machine', () => {
  let machine: ManagedMachine
  let port: number

  beforeAll(async () => {
    if (noBoot !== undefined) return
    machine = await startManagedMachine()
    port = await freePort()
    const options = {
      issuer: machine.server.issuer,
      port,
      apps: ['pipeline', 'given'],
      key: 'credential',
    } as const
    const config = configOf(options, CLIENTS.service.clientId)
    await machine.write('/etc/evo-token/config.json', config)
    await machine.sh('groupadd owners; useradd -m -G owners member')
    await machine.sh(
      'umask 077; cat >/etc/evo-token/given.client-secret',
      CLIENTS.service.clientSecret,
    )
  })

  afterAll(async () => {
    if (noBoot === undefined) await machine[Symbol.asyncDispose]()
  })

  itNeeds(noBoot)(
    'has a key made for it, and serves root and the members of one group',
    async () => {
      const service = (args: string) => machine.sh(`evo-token service ${args} --system 2>&1`)
      await expect(service('install --group nobodies')).rejects.toThrow(/no group "nobodies"/)
      expect(await service('install --group owners')).toContain('The service runs and answers.')
      // It answers before what it logs is in the journal.
      const listens = (log: string) => log.includes('"msg":"listening"')
      await until('it is logged', () => machine.sh('evo-token logs --system'), listens)
      // Without a service of their own, root's commands mean the machine's.
      await until('it is logged', () => machine.sh('evo-token logs'), listens)
      // The group stays, though it is not named again.
      expect(await service('install')).toContain('already installed and running')
      expect(await machine.sh('stat -c "%a %U" /etc/evo-token/vault-key')).toBe('600 root\n')
      await machine.sh('evo-token secret pipeline', CLIENTS.service.clientSecret)
      const get = (user: string, app = 'pipeline') =>
        machine.sh(`runuser -u ${user} -- evo-token get ${app}`)
      expect(await get('member')).toMatch(/^eyJ/)
      // No person typed this one's secret: it lies in /etc.
      expect(await get('member', 'given')).toMatch(/^eyJ/)
      await expect(get(PERSON)).rejects.toThrow(/EACCES/)
      // Of the functions of `shell-init` it is the last resort, and only for who may use it.
      const functions = 'eval "$(evo-token shell-init)"; evo_token pipeline'
      const inShellOf = (user: string) => machine.sh(`runuser -u ${user} -- sh`, functions)
      expect(await inShellOf('member')).toMatch(/^eyJ/)
      await expect(inShellOf(PERSON)).rejects.toThrow(`there is no "${STATE}/run/owner.sock"`)
      await machine.sh('systemctl restart evo-token.service')
      expect(await get('member')).toMatch(/^eyJ/)
      expect(await service('uninstall')).toContain('The vault stays')
      await machine.sh('test -e /var/lib/private/evo-token/vault')
    },
  )

  itNeeds(noBoot ?? noUserDirectory())(
    "serves the members of a directory service's group",
    async () => {
      // Of systemd's own directory (nss-systemd(8)); /etc/group knows nothing of it.
      const group = JSON.stringify({ groupName: 'geologists', gid: 47_110 })
      await machine.write('/etc/userdb/geologists.group', group)
      await machine.write('/etc/userdb/47110.group', group)
      await machine.write('/etc/userdb/member:geologists.membership', '{}')
      await expect(machine.sh('grep geologists /etc/group')).rejects.toThrow()

      const installed = await machine.sh(
        'evo-token service install --system --group geologists 2>&1',
      )
      expect(installed).toContain('The service runs and answers.')
      expect(await machine.sh('runuser -u member -- evo-token get given')).toMatch(/^eyJ/)
      await expect(machine.sh(`runuser -u ${PERSON} -- evo-token get given`)).rejects.toThrow(
        /EACCES/,
      )
    },
  )

  itNeeds(noBoot ?? noIpv6())(
    'has both loopback families, though its socket unit names one',
    async () => {
      await machine.write(
        '/etc/systemd/system/evo-token.socket.d/one-family.conf',
        `[Socket]\nListenStream=\nListenStream=127.0.0.1:${port}\nListenStream=/run/evo-token/owner.sock\n`,
      )
      await machine.sh('evo-token service install --system; systemctl daemon-reload')
      await machine.sh(
        `systemctl stop evo-token.service
      systemctl restart evo-token.socket
      systemctl start evo-token.service`,
      )
      for (const host of ['127.0.0.1', '[::1]']) {
        expect((await fetch(`http://${host}:${port}/healthz`)).status).toBe(200)
      }
      expect(await machine.sh('journalctl -u evo-token -o cat')).toContain(
        'only one loopback family',
      )
    },
  )
})
