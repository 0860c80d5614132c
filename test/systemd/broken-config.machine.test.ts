/** A service whose daemon does not start, while systemd holds its sockets open: no program waits for it in vain. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { CLIENTS } from '../support/authorization-server.ts'
import { MACHINE, noUserManager } from '../support/booted-systemd.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { configOf, HOME, type ManagedMachine, startManagedMachine } from './managed-machine.ts'

const noBoot = noUserManager()
const CONFIG = `${HOME}/.config/evo-token/config.json`
const STATE = `${HOME}/.local/state/evo-token`
const PYTHON_CLIENT = join(import.meta.dirname, '../../clients/python/src/evo_token')

/** Several looks of 3 s each, on a slow machine; it was 75 s for `status`, and 151 s for Python. */
const SOON_MS = 30_000

const WORDS = 'The evo-token service is installed, but its daemon does not start.'

describe('a service whose daemon does not start', () => {
  let machine: ManagedMachine
  let config: string

  beforeAll(async () => {
    if (noBoot !== undefined) return
    machine = await startManagedMachine()
    await machine.startUserManager()
    config = configOf(
      { issuer: machine.server.issuer, port: await freePort(), apps: ['pipeline'], key: 'file' },
      CLIENTS.service.clientId,
    )
    await machine.asPerson(`mkdir -p ${HOME}/.config/evo-token`)
    await machine.asPerson(`tee ${CONFIG}`, config)
    await machine.asPerson('evo-token service install')
    await machine.sh(
      `mkdir -p /usr/local/lib/evo-python
      cp -r ${MACHINE}${PYTHON_CLIENT} /usr/local/lib/evo-python
      chmod -R go=rX /usr/local/lib/evo-python`,
    )
  })

  afterAll(async () => {
    if (noBoot === undefined) await machine[Symbol.asyncDispose]()
  })

  /** What a command says, which has to fail, and to be quick about it. */
  async function failing(command: string, input = ''): Promise<string> {
    const startedAt = performance.now()
    const said = await machine.asPerson(`${command} 2>&1`, input).then(
      (output) => `it ended well: ${output}`,
      (error: unknown) => String(error),
    )
    expect(said).not.toContain('it ended well')
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS)
    return said
  }

  async function breakBy(script: string) {
    await machine.sh(script)
    await machine.user.ctl('--no-block restart evo-token.service')
  }

  /** Each of them, as its service manager and its clients show it. */
  const FAULTS = [
    ['a config that is no JSON', `echo '{ "apps": ' >${CONFIG}`, 'The config is not usable'],
    [
      'a config with a setting that there is not',
      `echo '{"appz":{}}' >${CONFIG}`,
      'The config is not usable',
    ],
    ['no config', `rm -f ${CONFIG}`, 'The config is not usable'],
    ['a state directory that others may read', `chmod 755 ${STATE}`, STATE],
  ] as const

  for (const [fault, script, why] of FAULTS) {
    itNeeds(noBoot)(`for ${fault} is told of by every client, within seconds`, async () => {
      try {
        await breakBy(script)
        const [status, got, asked] = await Promise.all([
          failing('evo-token status'),
          failing('evo-token get pipeline'),
          failing(
            'env PYTHONPATH=/usr/local/lib/evo-python python3',
            'from evo_token import get_token\nget_token("pipeline")\n',
          ),
        ])
        expect(status).toMatch(
          new RegExp(`it ended with 4:[^]*${WORDS}[^]*evo-token service status`),
        )
        expect(got).toContain(WORDS)
        expect(asked).toMatch(new RegExp(`DaemonNotRunning: ${WORDS}`))
        expect(asked).toContain('`evo-token service status`')

        const shown = await failing('evo-token service status')
        expect(shown).toContain(why)
        expect(shown).toContain('The last lines of its log (`evo-token logs` shows more)')
        const json = await failing('evo-token service status --json')
        expect(json).toMatch(
          why === STATE
            ? /"config_fault":null,"log":\["/
            : /"config_fault":\{"message":"[^]*"log":\["/,
        )
      } finally {
        await machine.asPerson(`tee ${CONFIG}`, config)
        await machine.sh(`chmod 700 ${STATE}`)
        await machine.user.ctl('restart evo-token.service')
      }
      expect(await machine.asPerson('evo-token status')).toContain('pipeline')
    })
  }
})
