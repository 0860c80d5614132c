/** The owner's door of Windows: others can connect to it, so that key and proof are asked for. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authenticateOwner } from '../../src/client/tcp.ts'
import { type Connection, exchange, openSocket } from '../../src/client/wire.ts'
import { createApp } from '../../src/http/app.ts'
import { createKeyedOwnerDoor } from '../../src/http/door.ts'
import { Secret } from '../../src/secret.ts'
import { recordedDeps } from './doors.ts'

const KEY = 'evtk_the-owner-of-this-daemon'

let directory: string
let path: string
let server: Server

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'evo-token-door-'))
  path = join(directory, 'pipe')
  writeFileSync(join(directory, 'owner-key'), `${KEY}\n`, { mode: 0o600 })
  writeFileSync(join(directory, 'another-key'), 'evtk_of-another-daemon\n', { mode: 0o600 })
  const door = createKeyedOwnerDoor(path, new Secret(KEY))
  const options = { requireHostHeader: false }
  server = createServer(options, createApp(recordedDeps().deps, door)).listen(path)
  await once(server, 'listening')
})

afterEach(() => {
  server.close()
  rmSync(directory, { recursive: true })
})

async function connect(): Promise<Connection> {
  const socket = await openSocket({ path })
  if (typeof socket === 'string') throw new Error(socket)
  return { socket, headers: { Host: 'localhost' }, place: path }
}

async function statusOf(connection: Connection, asked: string): Promise<number> {
  const answer = await exchange(connection, { path: asked })
  if (typeof answer === 'string') throw new Error(answer)
  return answer.status
}

describe('the keyed door', () => {
  it('lets the owner in who has seen it prove itself', async () => {
    const owner = await authenticateOwner(await connect(), join(directory, 'owner-key'))
    expect(await statusOf(owner, '/v1/callers')).toBe(200)
  })

  it('refuses a request without the key, or with another', async () => {
    expect(await statusOf(await connect(), '/v1/callers')).toBe(401)
    const stranger = await connect()
    const headers = { ...stranger.headers, Authorization: 'Bearer evtk_of-another-daemon' }
    expect(await statusOf({ ...stranger, headers }, '/v1/callers')).toBe(401)
  })

  it('is described as one that asks for a key', async () => {
    const owner = await authenticateOwner(await connect(), join(directory, 'owner-key'))
    const asksForKey = { get: { security: [{ accessKey: [] }] } }
    expect(await exchange(owner, { path: '/openapi.json' })).toMatchObject({
      json: {
        paths: {
          '/healthz': { get: { security: [] } },
          '/v1/apps/{app}/token': asksForKey,
          '/v1/callers': asksForKey,
        },
      },
    })
  })

  it('is shown no key where it does not prove that it knows it', async () => {
    const seen: string[] = []
    server.prependListener('request', ({ headers }) => {
      seen.push(headers.authorization ?? 'none')
    })
    await expect(
      authenticateOwner(await connect(), join(directory, 'another-key')),
    ).rejects.toMatchObject({ code: 'invalid_key' })
    expect(seen).toEqual(['none'])
  })

  it('proves nothing for a pipe of another name', async () => {
    const ask = (address: string) =>
      `/healthz?${String(new URLSearchParams({ caller: 'owner', nonce: `n@${address}` }))}`
    expect(await statusOf(await connect(), ask(`${path}-of-a-stranger`))).toBe(403)
    const answer = await exchange(await connect(), { path: ask(path) })
    const digest = Buffer.from(new Secret(KEY).sha256, 'hex')
    const proof = createHmac('sha256', digest).update(`n@${path}`).digest('hex')
    expect(answer).toMatchObject({ status: 200, json: { proof } })
  })
})
