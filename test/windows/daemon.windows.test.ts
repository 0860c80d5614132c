/** The built program on Windows, as far as Wine is one: a person's whole way. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import {
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { itNeeds } from '../support/needs.ts'
import { noWindows, startWindows, startWindowsDaemon, type Windows } from '../support/wine.ts'

const CONFIG = String.raw`C:\users\root\AppData\Roaming\evo-token\config.json`
const it = itNeeds(noWindows())

let windows: Windows
let server: RunningAuthorizationServer

beforeAll(async () => {
  if (noWindows() !== undefined) return
  windows = await startWindows()
  server = await startAuthorizationServer()
  await mkdir(dirname(windows.local(CONFIG)), { recursive: true })
  const { clientId } = server.clients.service
  await writeFile(
    windows.local(CONFIG),
    JSON.stringify({
      issuer: server.issuer,
      listen: { port: 0 },
      apps: { pipeline: { type: 'service', clientId, scopes: ['evo.discovery'] } },
    }),
  )
}, 120_000)

afterAll(async () => {
  if (noWindows() !== undefined) return
  await windows[Symbol.asyncDispose]()
  await server.close()
})

describe('a daemon without any option', () => {
  it('serves a service app through its pipe', async () => {
    const daemon = await startWindowsDaemon(windows)
    expect(daemon.pipe).toMatch(/^\\\\\.\\pipe\\evo-token-[0-9a-f]{32}$/)
    const { clientSecret } = server.clients.service
    const stored = await windows.evoToken(['secret', 'pipeline'], {}, `${clientSecret}\n`)
    expect(stored).toMatchObject({ code: 0 })
    const got = await windows.evoToken(['get', 'pipeline'])
    expect(got).toMatchObject({ code: 0, stderr: '' })
    const answer = server.requests.at(-1)?.answer
    expect(got.stdout).toBe(`${String(answer?.body.access_token)}\n`)
  })
})
