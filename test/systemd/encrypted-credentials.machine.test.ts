/** A machine's service whose secrets lie encrypted on the disk: `systemd-creds` seals, systemd opens. */
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { CLIENTS } from '../support/authorization-server.ts'
import { noSystemd } from '../support/booted-systemd.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds, missingCommands } from '../support/needs.ts'
import { configOf, startManagedMachine } from './managed-machine.ts'

const missing = noSystemd() ?? missingCommands('systemd-creds')

itNeeds(missing)('a machine serves with a key and client secrets that are encrypted', async () => {
  // Longer than the test takes: only we ask for another one.
  await using machine = await startManagedMachine({ accessTokenTtlS: 3600 })
  const { server, sh } = machine
  const { clientId, clientSecret } = CLIENTS.service
  const apps = ['given', 'stored']
  const options = {
    issuer: server.issuer,
    port: await freePort(),
    apps,
    key: 'credential',
  } as const
  await machine.write('/etc/evo-token/config.json', configOf(options, clientId))
  const sealed = {
    'vault-key': randomBytes(32).toString('base64'),
    'given.client-secret': clientSecret,
    'stored.client-secret': 'of-another-time',
  }
  for (const [id, secret] of Object.entries(sealed)) {
    const file = `/etc/evo-token/${id}.cred`
    await sh(`systemd-creds encrypt --with-key=host --name=${id} - ${file}`, secret)
  }

  const installed = await sh('evo-token service install --system 2>&1')
  expect(installed).toContain('The service runs and answers.')
  // It makes no key where there is one.
  expect((await sh('cd /etc/evo-token; ls')).split('\n').filter(Boolean)).toEqual(
    ['config.json', ...Object.keys(sealed).map((id) => `${id}.cred`)].sort(),
  )
  expect(await sh('evo-token get given')).toMatch(/^eyJ/)
  await expect(sh('evo-token get stored')).rejects.toThrow(/ended with 7/)

  await sh('evo-token secret stored', clientSecret)
  expect(await sh('evo-token get stored')).toMatch(/^eyJ/)
  await sh('systemctl restart evo-token.service')
  const before = server.requests.length
  await sh('evo-token refresh stored')
  // The stored one comes first, though systemd has handed over the other again.
  const shown = server.requests.slice(before).map(({ form }) => form.get('client_secret'))
  expect(shown).toEqual([clientSecret])
})
