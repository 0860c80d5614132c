/** `npm run bench`: every figure in one run. Ratios hold on any machine; absolute times do not. */
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

console.log(`Node ${process.versions.node}`)
await benchTokenEndpoint()
await benchGet()
await benchClients()
await benchStartUp()
await benchCrowd()
await benchGuard()
await benchMemory()
await benchTenThousandApps()
await benchPage()
await benchHosts()
await benchManyApps()
await benchAbuse()
