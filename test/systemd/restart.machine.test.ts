/** Programs that ask while the machine's service is restarted, on connections of all kinds. */
import { join } from 'node:path'
import { expect } from 'vitest'
import { CLIENTS } from '../support/authorization-server.ts'
import { MACHINE, noSystemd } from '../support/booted-systemd.ts'
import { freePort } from '../support/free-port.ts'
import { itNeeds, noIpv6 } from '../support/needs.ts'
import type { LoadReport } from './load.ts'
import { configOf, startManagedMachine } from './managed-machine.ts'

const LOAD = join(MACHINE, import.meta.dirname, '../../build/test/systemd/load.js')

itNeeds(noSystemd() ?? noIpv6())(
  'no caller is refused or cut off while the service is restarted',
  async () => {
    // With a shorter life a token may have run out when the daemon may not fetch another any more.
    await using machine = await startManagedMachine({ accessTokenTtlS: 3600 })
    const port = await freePort()
    const { issuer } = machine.server
    await machine.write(
      '/etc/evo-token/config.json',
      configOf({ issuer, port, apps: ['pipeline'], key: 'credential' }, CLIENTS.service.clientId),
    )
    await machine.sh('evo-token service install --system')
    await machine.sh('evo-token secret pipeline', CLIENTS.service.clientSecret)

    const doors = `http://127.0.0.1:${port} /var/lib/evo-token/access-key /run/evo-token/owner.sock`
    const restart = 'systemctl restart evo-token.service'
    const { answers, errors } = JSON.parse(
      await machine.sh(`node ${LOAD} ${doors} pipeline 3 ${restart}`),
    ) as LoadReport

    expect(errors).toEqual([])
    expect(Object.keys(answers)).toHaveLength(7)
  },
)
