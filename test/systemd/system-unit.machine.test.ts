/**
 * The system unit under a really booted systemd: the daemon lives in it as it should, and an attacker
 * who took it over gets no further than it allows.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { CLIENTS } from '../support/authorization-server.ts'
import { noSystemd } from '../support/booted-systemd.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { until } from '../support/until.ts'
import {
  configOf,
  type ManagedMachine,
  PERSON,
  startManagedMachine,
  toProbe,
  unitFile,
  withoutSocket,
} from './managed-machine.ts'

const unit = unitFile('system')
const noBoot = noSystemd()

/** A daemon of another name beside the first one, with directories of its own. */
function unitOf(name: string): string {
  return withoutSocket(unit.text, name).replace(
    '--config /etc/evo-token/config.json',
    '--config /etc/evo-token/idle.json',
  )
}

describe.concurrent('the system unit', () => {
  let machine: ManagedMachine

  beforeAll(async () => {
    if (noBoot !== undefined) return
    machine = await startManagedMachine()
    await machine.write('/etc/evo-token/idle.json', config({ port: 0, apps: ['pipeline'] }))
    // As the lines at the top of the unit have it.
    await machine.sh('umask 077; cat >/etc/evo-token/vault-key', randomBytes(32).toString('base64'))
    await machine.system.install({
      'evo-token': withoutSocket(unit.text),
      'evo-token-idle': unitOf('evo-token-idle'),
      // The unit's own limit is longer than a test should take; this one is longer than a heartbeat.
      'evo-token-frozen': unitOf('evo-token-frozen').replace('WatchdogSec=30', 'WatchdogSec=7'),
      'evo-token-probe': toProbe(unitOf('evo-token-probe')),
      'evo-token-bare': toProbe(`[Service]\nUser=${PERSON}\nType=\nExecStart=\n`),
    })
  })

  afterAll(async () => {
    if (noBoot === undefined) await machine[Symbol.asyncDispose]()
  })

  const config = (options: { port: number; apps: string[] }) =>
    configOf(
      { ...options, issuer: machine.server.issuer, key: 'credential' },
      CLIENTS.service.clientId,
    )

  itNeeds(noBoot)('runs a service app from its secret to its end, and again', async () => {
    const { server, system } = machine
    const port = await freePort()
    await machine.write('/etc/evo-token/config.json', config({ port, apps: ['pipeline'] }))
    await system.start('evo-token')
    const pid = await system.property('evo-token', 'MainPID')
    await machine.sh(
      'evo-token secret pipeline --socket /run/evo-token/owner.sock',
      CLIENTS.service.clientSecret,
    )

    const key = (await machine.sh('cat /var/lib/evo-token/access-key')).trim()
    const ask = async (path: string) => {
      const headers = { authorization: `Bearer ${key}` }
      const answer = await fetch(`http://127.0.0.1:${port}/v1/apps/${path}`, { headers })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }
    const first = await ask('pipeline/token')
    expect(first).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
    // No caller asks for it meanwhile: the daemon refreshes it by itself.
    const asked = server.count('client_credentials')
    await until(
      'a new token was issued',
      () => server.count('client_credentials'),
      (count) => count > asked,
    )
    await until('the new token is served', async () => {
      const { body } = await ask('pipeline/token')
      return body.access_token !== first.body.access_token
    })

    await machine.write('/etc/evo-token/config.json', config({ port, apps: ['pipeline', 'other'] }))
    await system.ctl('reload evo-token')
    await until(
      'the added app is known',
      () => ask('other'),
      ({ status }) => status === 200,
    )

    // However it ended, the next one opens the same vault.
    await system.ctl('kill --kill-whom=main --signal=KILL evo-token')
    await until(
      'another daemon runs',
      () => system.property('evo-token', 'MainPID'),
      (now) => !['0', pid].includes(now),
    )
    await until(
      'the service is active',
      () => system.property('evo-token', 'ActiveState'),
      (state) => state === 'active',
    )
    expect(await ask('pipeline/token')).toMatchObject({ status: 200 })

    await system.ctl('stop evo-token')
    expect(await system.property('evo-token', 'Result')).toBe('success')
    expect(await system.property('evo-token', 'ExecMainStatus')).toBe('0')
    expect(await machine.sh('ls /run | grep -x evo-token || true')).toBe('')
  })

  itNeeds(noBoot)('leaves the daemon no rights, and all other users nothing', async () => {
    await machine.system.start('evo-token-idle')
    const pid = await machine.system.property('evo-token-idle', 'MainPID')
    const status = await machine.sh(`cat /proc/${pid}/status`)
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect(field(set)).toBe('0'.repeat(16))
    }
    expect([field('NoNewPrivs'), field('Seccomp'), field('Umask')]).toEqual(['1', '2', '0077'])
    expect(field('Uid')?.split('\t')).not.toContain('0')
    expect(field('Gid')?.split('\t')).not.toContain('0')
    expect(await machine.sh(`grep core /proc/${pid}/limits`)).toMatch(/ 0 +0 /)

    const found = await machine.sh(
      'find /var/lib/evo-token-idle/ /run/evo-token-idle/ -printf "%y %m %u\\n"',
    )
    expect(new Set(found.trim().split('\n'))).toEqual(
      new Set(['d 700 evo-token-idle', 'f 600 evo-token-idle', 's 600 evo-token-idle']),
    )

    // Each works for root; the person is kept out.
    const attempts = [
      'cat /etc/evo-token/vault-key',
      'cat /run/credentials/evo-token-idle.service/vault-key',
      'cat /var/lib/evo-token-idle/access-key',
      'evo-token status --socket /run/evo-token-idle/owner.sock',
      `cat /proc/${pid}/environ`,
      `head -c 0 /proc/${pid}/mem`,
    ]
    for (const attempt of attempts) {
      await machine.sh(attempt)
      await expect(machine.sh(`runuser -u ${PERSON} -- ${attempt}`), attempt).rejects.toThrow(
        /Permission denied|EACCES|not permitted/,
      )
    }
  })

  itNeeds(noBoot)('stops an attacker who took the daemon over', async () => {
    expect(await machine.system.probe('evo-token-probe')).toEqual({
      'writes to /usr': 'EROFS',
      'writes to /etc': 'EROFS',
      'writes to /srv': 'EROFS',
      'writes to another home': 'EACCES',
      'reads another home': 'EACCES',
      'reads the shared /tmp': 'ENOENT',
      'reaches a device': 'ENOENT',
      'sees other processes': 'ENOENT',
      'reads the kernel in /proc': 'ENOENT',
      'opens a packet socket': 'EAFNOSUPPORT',
      'opens a Bluetooth socket': 'EAFNOSUPPORT',
      'opens a netlink socket': 'done',
      'traces a process': 'EPERM',
      'makes a namespace': 'EPERM',
      'makes a set-user-id file': 'EPERM',
      'becomes another kind of Linux': 'EPERM',
    })
  })

  itNeeds(noBoot)('is what stops them: the same attempts succeed outside it', async () => {
    const {
      'opens a packet socket': packet,
      // Not every kernel has Bluetooth, or namespaces for all users.
      'opens a Bluetooth socket': _bluetooth,
      'makes a namespace': _namespace,
      ...others
    } = await machine.system.probe('evo-token-bare')
    expect(packet).toBe('EPERM')
    expect(new Set(Object.values(others))).toEqual(new Set(['done']))
  })

  itNeeds(noBoot)('starts the daemon again when it says no more that it is alive', async () => {
    const { system } = machine
    await system.start('evo-token-frozen')
    await system.ctl('kill --kill-whom=main --signal=STOP evo-token-frozen')
    await until(
      'systemd has started the daemon again',
      async () => (await system.property('evo-token-frozen', 'NRestarts')) !== '0',
    )
    await system.ctl('stop evo-token-frozen')
  })

  itNeeds(noBoot)('has no MemoryDenyWriteExecute=, with which Node ends at once', async () => {
    const node = (denied: string) =>
      machine.sh(`systemd-run --wait -q -p MemoryDenyWriteExecute=${denied} node -e 0`)
    await node('no')
    await expect(node('yes')).rejects.toThrow()
    expect(unit.text).toMatch(/^# No MemoryDenyWriteExecute=: V8 /m)
    expect(unit.text).not.toMatch(/^MemoryDenyWriteExecute=/m)
  })
})

describe('systemd-analyze', () => {
  const missing = missingCommands('systemd-analyze')

  itNeeds(missing)('rates the exposure of the system unit at 1.3 or less', () => {
    const { status, stdout } = analyze('security', '--offline=true', '--threshold=13', unit.path)
    expect(stdout).toMatch(/Overall exposure level for evo-token.service: \d\.\d/)
    expect(status, stdout).toBe(0)
  })

  itNeeds(missing)('finds no fault in either unit', () => {
    const verify = ['verify', '--man=no', '--recursive-errors=no']
    for (const found of [
      analyze(...verify, unit.path),
      analyze(...verify, '--user', unitFile('user').path),
    ]) {
      expect(found.stderr).not.toContain('evo-token')
      expect(found.status, found.stderr).toBe(0)
    }
  })
})

function analyze(...args: string[]) {
  // A user manager asks where its runtime directory is, and looks no further.
  const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: tmpdir() }
  return spawnSync('systemd-analyze', args, { encoding: 'utf8', env })
}
