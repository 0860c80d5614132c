/** What was mended at the server, or passed by itself, and a person who says so. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPerson } from '../support/person.ts'
import { pathFault } from './path-faults.ts'
import {
  createStrictWorld,
  LIFETIME_MS,
  observe,
  RETRY_MAX_MS,
  SCOPES,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'
const OTHER = 'evo-too'
const ROBOT = 'robot'

let world: StrictWorld
beforeEach(async () => {
  world = await createStrictWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

async function signedIn(...apps: string[]) {
  const configured = Object.fromEntries(apps.map((app) => [app, world.native()]))
  const observed = await observe(world, configured)
  for (const app of apps) await observed.sidecar.signIn(app, createPerson(app))
  return observed
}

describe('a person who says that it is mended', () => {
  it.each([
    { fault: 'unauthorized_client without WWW-Authenticate', session: 'misconfigured' },
    { fault: '503 with a page', session: 'retrying' },
    { fault: '429 with Retry-After in seconds', session: 'retrying' },
  ])('is believed at once, by a refresh and by a reload: $fault', async ({ fault, session }) => {
    const { sidecar, sends } = await signedIn(ME)
    await using _sidecar = sidecar
    for (const mended of ['refresh', 'reload']) {
      await world.path.meet(pathFault(fault))
      world.clock.pass(LIFETIME_MS)
      await sidecar.round()
      expect(await sidecar.status(ME)).toMatchObject({ session })
      await world.path.clear()
      const before = sends()
      // A caller's request is no reason.
      expect(await sidecar.call('POST', `/v1/apps/${ME}/refresh`)).not.toMatchObject({
        status: 200,
      })
      if (mended === 'refresh') {
        const refreshed = await sidecar.own('POST', `/v1/apps/${ME}/refresh`, { now: true })
        expect(refreshed).toMatchObject({ status: 200, body: { app: ME } })
      } else {
        await sidecar.own('POST', '/v1/reload')
        await sidecar.round()
      }
      expect(sends()).toBe(before + 1)
      expect(await sidecar.status(ME)).toMatchObject({ session: 'active', last_error: null })
    }
  })

  it('gets a new token although the one in hand is fresh, and a caller does not', async () => {
    const { sidecar } = await signedIn(ME)
    await using _sidecar = sidecar
    const { fingerprint } = await sidecar.status(ME)
    await sidecar.own('POST', `/v1/apps/${ME}/refresh`, { now: true })
    const second = (await sidecar.status(ME)).fingerprint
    expect(second).not.toBe(fingerprint)
    await sidecar.own('POST', `/v1/apps/${ME}/refresh`, { now: true })
    expect((await sidecar.status(ME)).fingerprint).not.toBe(second)
    const refused = await sidecar.call('POST', `/v1/apps/${ME}/refresh`, { now: true })
    expect(refused).toMatchObject({ status: 403, body: { error: 'forbidden' } })
  })
})

describe('a grant at an issuer', () => {
  it('ends the waiting of its other apps that were unavailable', async () => {
    const { sidecar } = await signedIn(ME, OTHER)
    await using _sidecar = sidecar
    await world.path.meet(pathFault('503 with a page'))
    world.clock.pass(LIFETIME_MS)
    // Long enough for waits of minutes.
    for (let step = 0; step < 8; step++) {
      await sidecar.round()
      world.clock.pass(RETRY_MAX_MS)
    }
    await sidecar.round()
    await world.path.clear()
    await sidecar.own('POST', `/v1/apps/${ME}/refresh`, { now: true })
    await sidecar.round()
    expect(await sidecar.status(OTHER)).toMatchObject({ session: 'active' })
  })
})

describe('a refusal that is none that we know', () => {
  const odd = { status: 400, body: { error: 'odd_thing', error_description: 'Ask Bob.' } }

  it('keeps the session, and is told as what it is the third time', async () => {
    const { sidecar } = await signedIn(ME)
    await using _sidecar = sidecar
    world.server.intercept = async () => odd
    world.clock.pass(LIFETIME_MS)
    for (const expected of ['unavailable', 'unavailable', 'login_required']) {
      await sidecar.round()
      expect(await sidecar.token(ME)).toMatchObject({ body: { error: expected } })
      expect((await sidecar.readyz(ME)).reason).toBe(expected)
      world.clock.pass(RETRY_MAX_MS)
    }
    expect(await sidecar.exitCode('get', ME)).toBe(3)
    const { session, last_error: error } = await sidecar.status(ME)
    expect({ session, error: error?.error }).toEqual({ session: 'retrying', error: 'odd_thing' })
    expect(error?.message).toMatch(
      /^127\.0\.0\.1:\d+ answered with odd_thing \(status 400\): Ask Bob\./,
    )
    // It is tried again, and the token that was kept works.
    world.server.intercept = (_request, act) => act()
    world.clock.pass(RETRY_MAX_MS)
    await sidecar.round()
    expect(await sidecar.token(ME)).toMatchObject({ status: 200 })
  })

  it('keeps the session where it is the code of another mistake, and a sign-in mends it', async () => {
    const { sidecar } = await signedIn(ME)
    await using _sidecar = sidecar
    // As Atlassian says that a refresh token has ended.
    const body = { error: 'unauthorized_client', error_description: 'refresh_token is invalid' }
    world.server.intercept = async () => ({ status: 403, body })
    world.clock.pass(LIFETIME_MS)
    for (const expected of ['unavailable', 'unavailable', 'login_required']) {
      await sidecar.round()
      expect(await sidecar.token(ME)).toMatchObject({ body: { error: expected } })
      world.clock.pass(RETRY_MAX_MS)
    }
    expect(await sidecar.exitCode('get', ME)).toBe(3)
    world.server.intercept = (_request, act) => act()
    await sidecar.signIn(ME, createPerson(ME))
    expect(await sidecar.token(ME)).toMatchObject({ status: 200 })
  })

  it('is about the registration of a service app', async () => {
    const { clientId, clientSecret } = world.server.clients.service
    const { sidecar } = await observe(world, {
      [ROBOT]: { type: 'service', clientId, scopes: SCOPES },
    })
    await using _sidecar = sidecar
    await sidecar.own('PUT', `/v1/apps/${ROBOT}/client-secret`, { client_secret: clientSecret })
    world.server.intercept = async () => odd
    world.clock.pass(LIFETIME_MS)
    for (const expected of ['unavailable', 'unavailable', 'misconfigured', 'misconfigured']) {
      await sidecar.round()
      expect(await sidecar.token(ROBOT)).toMatchObject({ body: { error: expected } })
      world.clock.pass(RETRY_MAX_MS)
    }
    expect(await sidecar.exitCode('get', ROBOT)).toBe(7)
  })
})
