/** Access keys: what they are, what is kept of them, and that a removed one is worth nothing at once. */
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../src/secret.ts'
import { openStream } from './open-stream.ts'
import { MINE, startTwoApps, type TwoApps } from './two-apps.ts'

const TOKEN = `/v1/apps/${MINE}/token`

let apps: TwoApps

beforeAll(async () => {
  apps = await startTwoApps()
})
afterAll(() => apps[Symbol.asyncDispose]())

describe('a key', () => {
  it('is 256 random bits that secret scanners know, and on disk there is only its hash', async () => {
    const local = readFileSync(join(apps.home.stateDir, 'access-key'), 'utf8').trim()
    const keys = [local, await apps.addCaller('one'), await apps.addCaller('two')]
    expect(new Set(keys).size).toBe(3)
    for (const key of keys) {
      expect(key).toMatch(/^evtk_[\w-]{43}$/)
      const bits = Buffer.from(key.slice('evtk_'.length), 'base64url')
      expect(bits).toHaveLength(32)
      const holders = filesOf(apps.home.directory).filter(
        ({ bytes }) =>
          bytes.includes(key) || bytes.includes(bits) || bytes.includes(bits.toString('hex')),
      )
      expect(holders.map(({ name }) => name)).toEqual(key === local ? ['state/access-key'] : [])
      expect(readFileSync(join(apps.home.stateDir, 'callers.json'), 'utf8')).toContain(
        sha256Hex(key),
      )
    }
  })

  it('is compared in constant time, with every caller, and in no other way', () => {
    const path = '../../src/adapters/callers/callers-store.ts'
    const store = readFileSync(join(import.meta.dirname, path), 'utf8')
    const body = /identify\(keySha256[\s\S]*?\n {4}\},/.exec(store)?.[0] ?? ''
    expect(body).toContain('timingSafeEqual(digest, keySha256)')
    // Nothing that ends the look before its end, and no comparison that ends at the first difference.
    expect(body.match(/\breturn\b/g)).toHaveLength(1)
    expect(body).not.toMatch(/break|===|\.(find|get|has|some|includes|equals|compare)\(/)
  })
})

describe('the removal of a caller takes effect at once', () => {
  it('on a connection that is open', async () => {
    const key = await apps.addCaller('kept')
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const send = () => statusOn(agent, `${apps.daemon.url}${TOKEN}`, key)
    expect(await send()).toEqual({ status: 200, reused: false })
    expect(await send()).toEqual({ status: 200, reused: true })
    await apps.removeCaller('kept')
    expect(await send()).toEqual({ status: 401, reused: true })
    agent.destroy()
  })

  it('on an event stream, which ends and tells of nothing any more', async () => {
    const key = await apps.addCaller('listening')
    await using stream = await openStream(apps.daemon.url, key)
    await stream.untilEvents(1)
    await apps.removeCaller('listening')
    await stream.ended
    expect(await apps.raw('GET', '/v1/events', key)).toMatch(/^HTTP\/1\.1 401 /)
  })

  it('for a request that waits for its token', async () => {
    const key = await apps.addCaller('waiting')
    let release = () => {}
    const arrived = new Promise<void>((tell) => {
      apps.server.intercept = async (_request, act) => {
        tell()
        await new Promise<void>((go) => (release = go))
        return act()
      }
    })
    const answer = apps.raw('POST', `/v1/apps/${MINE}/refresh`, key)
    await arrived
    await apps.removeCaller('waiting')
    release()
    expect(await answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(await answer).not.toContain('access_token')
    await apps.daemon.logged(
      ({ msg, reason }) => msg === 'request refused' && reason === 'invalid_key',
    )
    const served = apps.daemon.log.filter(({ msg }) => msg === 'token served')
    expect(served.some(({ caller }) => caller === 'waiting')).toBe(false)
  })
})

function filesOf(directory: string) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ name: path.slice(directory.length + 1), bytes: readFileSync(path) }))
}

async function statusOn(agent: Agent, url: string, key: string) {
  return new Promise<{ status: number | undefined; reused: boolean }>((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` }
    const outgoing = get(url, { agent, headers }, (incoming) => {
      buffer(incoming).then(() => {
        resolve({ status: incoming.statusCode, reused: outgoing.reusedSocket })
      }, reject)
    }).once('error', reject)
  })
}
