/** Access tokens as long as those of people in hundreds of groups, from the server to every client. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../support/daemon-process.ts'
import { createPerson } from '../support/person.ts'
import { recordPath } from './seeded-home.ts'
import {
  createStrictWorld,
  LIFETIME_MS,
  observe,
  RETRY_MAX_MS,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'

let world: StrictWorld
beforeEach(async () => {
  world = await createStrictWorld({ accessTokenFormat: 'opaque' })
})
afterEach(() => world[Symbol.asyncDispose]())

/** Signed in; from now on the server's access tokens are so long. */
async function signedIn(bytes: number) {
  const observed = await observe(world, { [ME]: world.native() })
  await observed.sidecar.signIn(ME, createPerson('ada'))
  world.server.intercept = async (_request, act) => {
    const answer = await act()
    if (typeof answer.body.access_token !== 'string') return answer
    return { ...answer, body: { ...answer.body, access_token: 'x'.repeat(bytes) } }
  }
  return observed
}

describe.each([66 * 1024, 400 * 1024])('an access token of %i bytes', (bytes) => {
  it('is refreshed, stored, served over both doors, and outlives a restart', async () => {
    const { sidecar } = await signedIn(bytes)
    await using _sidecar = sidecar
    for (const round of [1, 2]) {
      world.clock.pass(LIFETIME_MS)
      const { status, body } = await sidecar.call('GET', `/v1/apps/${ME}/token`)
      expect({ round, status, length: String(body.access_token).length }).toEqual({
        round,
        status: 200,
        length: bytes,
      })
    }
    const owned = await sidecar.own('GET', `/v1/apps/${ME}/token`)
    expect(String(owned.body.access_token)).toHaveLength(bytes)
    await sidecar.restart()
    const again = await sidecar.token(ME)
    expect(String(again.body.access_token)).toHaveLength(bytes)
    expect(world.server.liveFamilies()).toMatchObject([{ generation: 2 }])
  })

  it('has room on the disk for its successor before that is asked for', async () => {
    const { sidecar } = await signedIn(bytes)
    await using _sidecar = sidecar
    world.clock.pass(LIFETIME_MS)
    await sidecar.call('GET', `/v1/apps/${ME}/token`)
    const held = world.path.hold('answer')
    world.clock.pass(LIFETIME_MS)
    await sidecar.beat()
    await held.arrived
    const record = recordPath(sidecar.home, ME)
    const room = statSync(`${record}.new`).size
    expect(room).toBeGreaterThanOrEqual(2 * statSync(record).size)
    expect(Math.log2(room) % 1).toBe(0)
    held.release()
    await sidecar.settled()
  })
})

describe('an access token of 400 KB', () => {
  it('is printed by get, and is left out of an environment that cannot hold it', async () => {
    const { sidecar } = await signedIn(400 * 1024)
    await using _sidecar = sidecar
    world.clock.pass(LIFETIME_MS)
    await sidecar.call('GET', `/v1/apps/${ME}/token`)
    const got = await runCli(sidecar.home, ['get', ME])
    expect({ code: got.code, length: got.stdout.trim().length }).toEqual({
      code: 0,
      length: 400 * 1024,
    })
    const script =
      'console.log(JSON.stringify([process.env.EVO_ACCESS_TOKEN, process.env.EVO_TOKEN_URL]))'
    const ran = await runCli(sidecar.home, ['run', ME, '--', process.execPath, '-e', script])
    const url = (
      JSON.parse(readFileSync(join(sidecar.home.stateDir, 'endpoint.json'), 'utf8')) as {
        url: string
      }
    ).url
    expect({ code: ran.code, env: JSON.parse(ran.stdout) as unknown }).toEqual({
      code: 0,
      env: [null, url],
    })
    expect(ran.stderr).toMatch(/token is too long for an environment variable.*EVO_TOKEN_URL/s)
  })
})

describe('an answer of 1.2 MB', () => {
  it('keeps the session: its refresh token is stored, and the next try waits for retryMax', async () => {
    const { sidecar, sends, lines } = await signedIn(1_200_000)
    await using _sidecar = sidecar
    world.clock.pass(LIFETIME_MS)
    const before = sends()
    const refused = await sidecar.call('GET', `/v1/apps/${ME}/token`)
    expect(refused).toMatchObject({ status: 503, body: { error: 'unavailable' } })
    const { session, last_error: error, retry_at } = await sidecar.status(ME)
    expect({ session, error: error?.error }).toEqual({
      session: 'retrying',
      error: 'invalid_response',
    })
    expect(error?.message).toContain('longer than 1 MiB')
    const waitMs = Date.parse(retry_at ?? '') - world.clock.read().wall
    expect(Math.abs(waitMs - RETRY_MAX_MS)).toBeLessThan(1_000)
    await sidecar.restart()
    expect(world.server.liveFamilies()).toMatchObject([{ generation: 1 }])
    // Shorter again: what was stored is what works.
    world.server.intercept = (_request, act) => act()
    const { status } = await sidecar.call('GET', `/v1/apps/${ME}/token`)
    expect(status).toBe(200)
    expect(sends()).toBe(before + 2)
    expect(lines.some(({ fields }) => fields.event === 'rejected')).toBe(false)
  })
})
