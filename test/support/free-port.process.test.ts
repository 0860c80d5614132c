import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'vitest'
import { freePort, requireFreePort } from './free-port.ts'
import { itNeeds, missingCommands } from './needs.ts'

itNeeds(missingCommands('ss'))('says which program has a port that a test needs', async () => {
  const port = await freePort()
  await requireFreePort(port)
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  await expect(requireFreePort(port)).rejects.toThrow(
    new RegExp(`port ${port}, which .* \\(pid ${process.pid}\\) has`),
  )
  server.close()
})
