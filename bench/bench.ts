/** `npm run bench`: every figure in one run; `-- hosts many-apps` those named. Ratios hold on any machine; absolute times do not. */
import { benchAbuse } from './abuse.ts'
import { benchGet } from './cli-get.ts'
import { benchClients } from './clients.ts'
import { benchCrowd } from './crowd.ts'
import { benchGuard } from './guard.ts'
import { benchHosts } from './hosts.ts'
import { benchManyApps } from './many-apps.ts'
import { benchMemory } from './memory.ts'
import { benchPage } from './page.ts'
import { benchStartUp } from './start-up.ts'
import { benchTenThousandApps } from './ten-thousand-apps.ts'
import { benchTokenEndpoint } from './token-endpoint.ts'

// It costs every process that we start 80 ms, and is no part of what is measured.
delete process.env.NODE_EXTRA_CA_CERTS

const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  'token-endpoint': benchTokenEndpoint,
  get: benchGet,
  clients: benchClients,
  'start-up': benchStartUp,
  crowd: benchCrowd,
  guard: benchGuard,
  memory: benchMemory,
  'ten-thousand-apps': benchTenThousandApps,
  page: benchPage,
  hosts: benchHosts,
  'many-apps': benchManyApps,
  abuse: benchAbuse,
}

console.log(`Node ${process.versions.node}`)
const named = process.argv.slice(2)
for (const name of named.length > 0 ? named : Object.keys(BENCHES)) {
  const bench = BENCHES[name]
  if (!bench) throw new Error(`no bench is called "${name}": ${Object.keys(BENCHES).join(', ')}`)
  await bench()
}
