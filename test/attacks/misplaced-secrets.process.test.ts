/**
 * Secrets that programs put where they do not belong: in a URL, in place of a name or of a field. The
 * endpoint, which refuses them, does not repeat them, neither to the sender nor in the log.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLogger, type Logger } from '../../src/adapters/log/logger.ts'
import { Secret } from '../../src/secret.ts'
import { type Doors, KEY, openDoors } from '../http/doors.ts'
import { createCanaries, randomSecret } from './canaries.ts'

/** Opaque, longer than any name may be, and of a shape that we know. */
const CLIENT_SECRET = randomSecret()
const OPAQUE_TOKEN = `${randomSecret()}${randomSecret()}`
const ACCESS_KEY = `evtk_${randomSecret()}`
const JWT = `eyJhbGciOiJFUzI1NiJ9.${randomSecret()}.${randomSecret()}`
const SECRETS = { CLIENT_SECRET, OPAQUE_TOKEN, ACCESS_KEY, JWT }

const canaries = createCanaries()
for (const [name, value] of Object.entries(SECRETS)) canaries.add(name, value)

const each = Object.entries(SECRETS)

describe('the endpoint', () => {
  const lines: string[] = []
  let doors: Doors
  /** As in the daemon: these are live. */
  const held = [new Secret(CLIENT_SECRET), new Secret(OPAQUE_TOKEN)]

  beforeAll(async () => {
    const log: Logger = createLogger({
      level: 'trace',
      destination: { write: (line) => lines.push(line) },
    })
    doors = await openDoors({ log })
  })
  afterAll(() => doors[Symbol.asyncDispose]())

  it.each(each)('repeats no %s that stands where a name should', async (_, value) => {
    const paths = [
      `/v1/apps/${value}`,
      `/v1/apps/${value}/token`,
      `/v1/apps/evo-me/token/${value}`,
      `/v1/apps/evo-me/token?${value}`,
      `/v1/apps/evo-me/token?min_ttl=${value}`,
      `/v1/apps/evo-me/token?access_key=${value}`,
      `/readyz/${value}`,
      `/healthz?caller=${value}&nonce=1`,
      `/${value}`,
    ]
    const said: string[] = []
    for (const door of [doors.tcp(KEY), doors.tcp(value), doors.owner()]) {
      for (const path of paths) {
        const { text, headers } = await door.get(path)
        said.push(text, JSON.stringify(headers))
      }
    }
    for (const [method, path, body] of [
      ['post', '/v1/callers', { name: value, apps: [value] }],
      ['post', '/v1/callers', { [value]: value }],
      ['post', '/v1/apps/evo-me/refresh', { rejected_sha256: value }],
      ['post', '/v1/apps/evo-me/login', { method: value }],
      ['put', '/v1/apps/evo-me/client-secret', { client_secret: 'x', [value]: 1 }],
      ['put', '/v1/apps/evo-me/client-secret', { client_secret: [value] }],
      ['post', '/v1/vault/key', { source: value }],
      ['post', '/v1/guard', { sha256: [value] }],
    ] as const) {
      const { text } = await doors.owner()[method](path).send(body)
      said.push(text)
    }
    const broken = await doors
      .owner()
      .post('/v1/callers')
      .set('content-type', 'application/json')
      .send(`{"name":"${value}`)
    said.push(broken.text)
    expect(canaries.foundIn(said.join('\n'))).toEqual([])
    expect(canaries.foundIn(lines.join(''))).toEqual([])
    expect(lines.length).toBeGreaterThan(20)
    expect(held).toHaveLength(2)
  })
})
