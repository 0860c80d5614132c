/** The user unit under a person's own manager, in a really booted systemd. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENTS } from '../support/authorization-server.ts'
import { noUserManager } from '../support/booted-systemd.ts'
import { itNeeds } from '../support/needs.ts'
import {
  configOf,
  HOME,
  type ManagedMachine,
  PERSON,
  startManagedMachine,
  toProbe,
  unitFile,
  withoutSocket,
} from './managed-machine.ts'

const unit = unitFile('user')
const noBoot = noUserManager()

/** Its socket unit is in `service-command.machine.test.ts`. */
const alone = withoutSocket(unit.text)

/** Without the line that carries the sandbox. */
const carriedByNothing = alone.replace(/^PrivateUsers=yes$/m, '')

/** Nor with those that a user manager cannot pass over. */
const passedOver = carriedByNothing.replace(
  /^(PrivateDevices|ProtectClock|ProtectKernel\w+)=yes$/gm,
  '',
)

describe.concurrent('the user unit', () => {
  let machine: ManagedMachine

  beforeAll(async () => {
    if (noBoot !== undefined) return
    machine = await startManagedMachine()
    await machine.startUserManager()
    await machine.user.install({
      'evo-token': alone,
      'evo-token-probe': toProbe(alone),
      'evo-token-passed-over': toProbe(passedOver),
      'evo-token-failing': toProbe(carriedByNothing),
    })
  })

  afterAll(async () => {
    if (noBoot === undefined) await machine[Symbol.asyncDispose]()
  })

  itNeeds(noBoot)('runs the daemon of one person from sign-in to its end', async () => {
    const { asPerson, server, user } = machine
    await asPerson(`mkdir -p ${HOME}/.config/evo-token`)
    const config = configOf(
      { issuer: server.issuer, port: 0, apps: ['pipeline'], key: 'file' },
      CLIENTS.service.clientId,
    )
    await asPerson(`tee ${HOME}/.config/evo-token/config.json`, config)
    await user.start('evo-token')
    const pid = await user.property('evo-token', 'MainPID')
    const status = await machine.sh(`cat /proc/${pid}/status /proc/${pid}/limits`)
    expect(status).toMatch(/^NoNewPrivs:\s1$/m)
    expect(status).toMatch(/^Seccomp:\s2$/m)
    expect(status).toMatch(/^CapEff:\s0{16}$/m)
    expect(status).toMatch(/^Max core file size +0 +0 /m)

    await asPerson('evo-token secret pipeline', CLIENTS.service.clientSecret)
    expect(await asPerson('evo-token get pipeline')).toMatch(/^eyJ/)
    const found = await machine.sh(`find ${HOME}/.local/state/evo-token -printf '%y %m %u\\n'`)
    expect(new Set(found.trim().split('\n'))).toEqual(
      new Set([`d 700 ${PERSON}`, `f 600 ${PERSON}`]),
    )

    await user.ctl('reload evo-token')
    await user.ctl('stop evo-token')
    expect(await user.property('evo-token', 'Result')).toBe('success')
    expect(await user.property('evo-token', 'ExecMainStatus')).toBe('0')
  })

  itNeeds(noBoot)('stops an attacker who took the daemon over', async () => {
    expect(await machine.user.probe('evo-token-probe')).toMatchObject({
      'writes to /usr': 'EROFS',
      'writes to /etc': 'EROFS',
      'writes to /srv': 'EROFS',
      'writes to another home': 'EROFS',
      'reads the shared /tmp': 'ENOENT',
      'reaches a device': 'ENOENT',
      'opens a packet socket': 'EAFNOSUPPORT',
      'opens a Bluetooth socket': 'EAFNOSUPPORT',
      'makes a namespace': 'EPERM',
      'makes a set-user-id file': 'EPERM',
      'becomes another kind of Linux': 'EPERM',
    })
  })

  itNeeds(noBoot)('has no sandbox in the file system without PrivateUsers=', async () => {
    const { user } = machine
    expect(await user.probe('evo-token-passed-over')).toMatchObject({
      'writes to /usr': 'done',
      'writes to /etc': 'done',
      'writes to /srv': 'done',
      'writes to another home': 'done',
      'reads the shared /tmp': 'done',
    })
    // With the others it does not start at all, which is better.
    await expect(user.probe('evo-token-failing')).rejects.toThrow()
    expect(await user.property('evo-token-failing', 'ExecMainStatus')).toBe('218')
  })

  it('begins with PrivateUsers=', () => {
    const service = unit.text.slice(unit.text.indexOf('[Service]'))
    expect(/^\w+=.*$/m.exec(service)?.[0]).toBe('PrivateUsers=yes')
  })

  it('has no MemoryDenyWriteExecute=, and says why', () => {
    expect(unit.text).toMatch(/^# No MemoryDenyWriteExecute=: V8 /m)
    expect(unit.text).not.toMatch(/^MemoryDenyWriteExecute=/m)
  })
})
