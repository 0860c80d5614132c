/** What `evo-token service` installed, for a person and for a machine, after the machine was rebooted. */
import { expect } from 'vitest'
import { CLIENTS } from '../support/authorization-server.ts'
import { noUserManager } from '../support/booted-systemd.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds } from '../support/needs.ts'
import { until } from '../support/until.ts'
import { configOf, HOME, startManagedMachine } from './managed-machine.ts'

itNeeds(noUserManager())('both services come back by themselves, with their tokens', async () => {
  // Longer than the test takes: it is the token of before that has to come.
  await using machine = await startManagedMachine({ accessTokenTtlS: 3600 })
  const { asPerson, server, sh, system, user } = machine
  const configWith = async (key: 'credential' | 'file') => {
    const options = { issuer: server.issuer, port: await freePort(), apps: ['pipeline'], key }
    return configOf(options, CLIENTS.service.clientId)
  }
  await machine.startUserManager()
  await asPerson(`mkdir -p ${HOME}/.config/evo-token`)
  await asPerson(`tee ${HOME}/.config/evo-token/config.json`, await configWith('file'))
  await machine.write('/etc/evo-token/config.json', await configWith('credential'))
  const services = [
    { run: asPerson, manager: user, install: 'evo-token service install' },
    { run: sh, manager: system, install: 'evo-token service install --system' },
  ]
  const tokens: string[] = []
  for (const { run, install } of services) {
    await run(install)
    await run('evo-token secret pipeline', CLIENTS.service.clientSecret)
    tokens.push(await run('evo-token get pipeline'))
  }
  const grants = server.count('client_credentials')

  await machine.reboot()

  await expect(sh('test -e /tmp/of-another')).rejects.toThrow()
  for (const [at, { run, manager }] of services.entries()) {
    // No caller has asked it for anything yet, which would start it, too.
    await until(
      'the service is active',
      () => manager.property('evo-token', 'ActiveState'),
      (state) => state === 'active',
    )
    expect(await run('evo-token get pipeline')).toBe(tokens[at])
  }
  expect(server.count('client_credentials')).toBe(grants)
})
