/**
 * Changes of an app that meet a refresh, in both orders of arrival: what was asked last is what holds,
 * at the server no session is left that no daemon holds, and nothing comes back from memory.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { createPerson, type Person } from '../support/person.ts'
import { until } from '../support/until.ts'
import { createProviderStore } from '../support/provider-store.ts'
import { SLOW_REQUEST_MS } from '../../src/core/spending-turns.ts'
import { pathFault } from './path-faults.ts'
import type { Sidecar } from './sidecar.ts'
import {
  AHEAD_MS,
  createStrictWorld,
  LIFETIME_MS,
  observe,
  SCOPES,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'
const DUE_MS = LIFETIME_MS - AHEAD_MS * 0.98
/** Less than what a request may take. */
const SOON_MS = 10_000
const REVOCATION = '/token/revocation'
const SIGNED_OUT = { status: 409, body: { error: 'login_required' } }

let world: StrictWorld

beforeEach(async () => {
  world = await createStrictWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

async function signedIn(person = createPerson('ada')) {
  const observed = await observe(world, { [ME]: world.native() })
  await observed.sidecar.signIn(ME, person)
  return { ...observed, person, first: await tokenOf(observed.sidecar) }
}

async function tokenOf(sidecar: Sidecar, app = ME): Promise<string> {
  const { status, body } = await sidecar.token(app)
  expect(status).toBe(200)
  return body.access_token as string
}

/** A refresh that the server has granted, and whose answer is still on its way. */
async function refreshUnderWay(sidecar: Sidecar) {
  const held = world.path.hold('answer')
  world.clock.pass(DUE_MS)
  await sidecar.beat()
  await held.arrived
  return held
}

function refreshes(): number {
  return world.server.count('refresh_token')
}

/** No person is signed in, here, at the server, after more time and after a restart. */
async function expectSignedOut(sidecar: Sidecar): Promise<void> {
  const before = refreshes()
  const look = async () => {
    expect(await sidecar.token(ME)).toMatchObject(SIGNED_OUT)
    expect(await sidecar.status(ME)).toMatchObject({ session: 'signed-out', fingerprint: null })
    expect(await sidecar.readyz(ME)).toEqual({ status: 503, reason: 'login_required' })
  }
  await look()
  world.clock.pass(DUE_MS)
  await sidecar.round()
  await look()
  await sidecar.restart()
  await sidecar.round()
  await look()
  expect(refreshes()).toBe(before)
  expect(world.server.liveFamilies()).toEqual([])
}

/** What is served can be refreshed, before a restart and after it. */
async function expectHolds(sidecar: Sidecar, app = ME): Promise<void> {
  for (const when of ['now', 'after a restart']) {
    const served = await tokenOf(sidecar, app)
    const { status, body } = await sidecar.call('POST', `/v1/apps/${app}/refresh`)
    expect({ when, status, renewed: body.access_token !== served }).toEqual({
      when,
      status: 200,
      renewed: true,
    })
    if (when === 'now') await sidecar.restart()
  }
}

describe('a logout', () => {
  it('that is asked for during a refresh waits for it, and ends what it brought', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const logout = sidecar.own('POST', `/v1/apps/${ME}/logout`)
    held.release()
    expect(await logout).toMatchObject({ status: 200, body: { revoked: true } })
    await expectSignedOut(sidecar)
  })

  it('that is under way lets no refresh begin', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    const before = refreshes()
    world.clock.pass(DUE_MS - SOON_MS)
    const held = world.path.hold('request', REVOCATION)
    const logout = sidecar.own('POST', `/v1/apps/${ME}/logout`)
    await held.arrived
    world.clock.pass(SOON_MS)
    await sidecar.beat()
    const refresh = sidecar.call('POST', `/v1/apps/${ME}/refresh`)
    await sidecar.beat()
    held.release()
    expect(await logout).toMatchObject({ body: { revoked: true } })
    expect(await refresh).toMatchObject(SIGNED_OUT)
    expect(refreshes()).toBe(before)
    await expectSignedOut(sidecar)
  })

  it('ends a sign-in that is being completed', async () => {
    const { sidecar, person } = await signedIn()
    await using _sidecar = sidecar
    const complete = await sidecar.beginSignIn(ME, person)
    const held = world.path.hold('answer')
    const completed = complete()
    await held.arrived
    const logout = sidecar.own('POST', `/v1/apps/${ME}/logout`)
    held.release()
    expect(await logout).toMatchObject({ body: { revoked: true } })
    await completed
    await expectSignedOut(sidecar)
  })

  it('during a refresh and a sign-in waits for both, and ends what they brought', async () => {
    const { sidecar, person } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const complete = await sidecar.beginSignIn(ME, person)
    const heldToo = world.path.hold('answer')
    const completed = complete()
    await heldToo.arrived
    const logout = sidecar.own('POST', `/v1/apps/${ME}/logout`)
    await sidecar.status(ME)
    held.release()
    heldToo.release()
    await completed
    expect(await logout).toMatchObject({ status: 200, body: { revoked: true } })
    await expectSignedOut(sidecar)
  })

  it('does not end a sign-in that was begun after it', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    const held = world.path.hold('request', REVOCATION)
    const logout = sidecar.own('POST', `/v1/apps/${ME}/logout`)
    await held.arrived
    const complete = await sidecar.beginSignIn(ME, createPerson('grace'))
    const completed = complete()
    await sidecar.status(ME)
    held.release()
    expect(await logout).toMatchObject({ body: { revoked: true } })
    expect(await completed).toMatchObject({ body: { status: 'succeeded' } })
    expect(world.server.liveFamilies()).toMatchObject([{ login: 'grace' }])
    await expectHolds(sidecar)
  })
})

describe('a sign-in', () => {
  it.each([
    { who: 'the same person, in the same browser', browser: (person: Person) => person },
    { who: 'the same person, in another browser', browser: () => createPerson('ada') },
  ])('that is completed during a refresh holds: $who', async ({ browser }) => {
    const { sidecar, person, first } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const complete = await sidecar.beginSignIn(ME, browser(person))
    const completed = complete()
    held.release()
    expect(await completed).toMatchObject({ body: { status: 'succeeded' } })
    expect(await tokenOf(sidecar)).not.toBe(first)
    await expectHolds(sidecar)
  })

  it('that is being completed is what a refresh asked for meanwhile answers with', async () => {
    const { sidecar, person, first } = await signedIn()
    await using _sidecar = sidecar
    world.clock.pass(DUE_MS - SOON_MS)
    const complete = await sidecar.beginSignIn(ME, person)
    const before = refreshes()
    const held = world.path.hold('answer')
    const completed = complete()
    await held.arrived
    world.clock.pass(SOON_MS)
    await sidecar.beat()
    const refresh = sidecar.call('POST', `/v1/apps/${ME}/refresh`)
    await sidecar.beat()
    held.release()
    expect(await completed).toMatchObject({ body: { status: 'succeeded' } })
    const { status, body } = await refresh
    expect({ status, renewed: body.access_token !== first }).toEqual({ status: 200, renewed: true })
    expect(body.access_token).toBe(await tokenOf(sidecar))
    expect(refreshes()).toBe(before)
    await expectHolds(sidecar)
  })

  it('as another person ends the session of the one before', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const complete = await sidecar.beginSignIn(ME, createPerson('grace'), { switchUser: true })
    const completed = complete()
    held.release()
    expect(await completed).toMatchObject({ body: { status: 'succeeded' } })
    expect(world.server.liveFamilies()).toMatchObject([{ login: 'grace' }])
    await expectHolds(sidecar)
  })

  it('as another person who may not ends, and the session of the one before goes on', async () => {
    const { sidecar, first } = await signedIn()
    await using _sidecar = sidecar
    const complete = await sidecar.beginSignIn(ME, createPerson('grace'))
    expect(await complete()).toMatchObject({ body: { status: 'failed', error: 'other_subject' } })
    expect(await tokenOf(sidecar)).toBe(first)
    expect(world.server.liveFamilies()).toMatchObject([{ login: 'ada' }])
    await expectHolds(sidecar)
  })

  it('whose answer is damaged leaves the session before it as it was', async () => {
    const { sidecar, person, first } = await signedIn()
    await using _sidecar = sidecar
    const complete = await sidecar.beginSignIn(ME, person)
    await world.path.meetOnce(pathFault('a new refresh token in a 200 with no access_token'))
    expect(await complete()).toMatchObject({
      body: { status: 'failed', error: 'invalid_response' },
    })
    expect(await tokenOf(sidecar)).toBe(first)
    await expectHolds(sidecar)
  })

  it.each([
    'the answer is lost',
    'a reset before the request is forwarded',
    'an answer that is cut short',
    '500 with a page',
    'the page of a captive portal',
    'invalid_grant without WWW-Authenticate',
    'invalid_client with WWW-Authenticate',
  ])('that fails leaves the session before it as it was: %s', async (name) => {
    const { sidecar, person, first } = await signedIn()
    await using _sidecar = sidecar
    const complete = await sidecar.beginSignIn(ME, person)
    await world.path.meetOnce(pathFault(name))
    expect(await complete()).toMatchObject({ body: { status: 'failed' } })
    expect(await tokenOf(sidecar)).toBe(first)
    await expectHolds(sidecar)
  })

  it('waits for no refresh, whose late answer counts for nothing', async () => {
    const { sidecar, person, first } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const complete = await sidecar.beginSignIn(ME, person)
    expect(await complete()).toMatchObject({ body: { status: 'succeeded' } })
    const brought = await tokenOf(sidecar)
    expect(brought).not.toBe(first)
    held.release()
    await sidecar.settled()
    expect(await tokenOf(sidecar)).toBe(brought)
    await expectHolds(sidecar)
  })

  it('waits for no refresh, whose late refusal costs nothing', async () => {
    const { sidecar, person } = await signedIn()
    await using _sidecar = sidecar
    world.server.intercept = async ({ grantType }, act) =>
      grantType === 'refresh_token' ? { status: 400, body: { error: 'invalid_grant' } } : act()
    const held = await refreshUnderWay(sidecar)
    const complete = await sidecar.beginSignIn(ME, person)
    expect(await complete()).toMatchObject({ body: { status: 'succeeded' } })
    world.server.intercept = (_request, act) => act()
    held.release()
    await sidecar.settled()
    expect(await sidecar.status(ME)).toMatchObject({ session: 'active', last_error: null })
    await expectHolds(sidecar)
  })

  it('that fails during a refresh leaves to it what it brings', async () => {
    const { sidecar, person, first } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const complete = await sidecar.beginSignIn(ME, person)
    await world.path.meetOnce(pathFault('500 with a page'))
    expect(await complete()).toMatchObject({ body: { status: 'failed' } })
    held.release()
    await sidecar.settled()
    expect(await tokenOf(sidecar)).not.toBe(first)
    await expectHolds(sidecar)
  })

  it('that was begun later holds, whichever answer comes first', async () => {
    const { sidecar, person } = await signedIn()
    await using _sidecar = sidecar
    const earlier = await sidecar.beginSignIn(ME, person)
    const held = world.path.hold('answer')
    const completed = earlier()
    await held.arrived
    const later = await sidecar.beginSignIn(ME, person)
    expect(await later()).toMatchObject({ body: { status: 'succeeded' } })
    const brought = await tokenOf(sidecar)
    held.release()
    expect(await completed).toMatchObject({ body: { status: 'failed', error: 'cancelled' } })
    expect(await tokenOf(sidecar)).toBe(brought)
    await expectHolds(sidecar)
  })

  it('that was replaced sends no code', async () => {
    const { sidecar, person } = await signedIn()
    await using _sidecar = sidecar
    const redeemed = world.server.count('authorization_code')
    const replaced = await sidecar.beginSignIn(ME, person)
    const complete = await sidecar.beginSignIn(ME, person)
    expect(await replaced()).toMatchObject({ body: { status: 'failed', error: 'cancelled' } })
    expect(await complete()).toMatchObject({ body: { status: 'succeeded' } })
    expect(world.server.count('authorization_code')).toBe(redeemed + 1)
    await expectHolds(sidecar)
  })
})

describe('a reload', () => {
  it('that removes an app lets its refresh finish; put back, the app goes on where it was', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    await sidecar.home.write(world.config({}))
    const read = new Promise<void>((resolve) => {
      sidecar.afterConfig = resolve
    })
    const removed = sidecar.own('POST', '/v1/reload')
    await read
    await sidecar.home.write(world.config({ [ME]: world.native() }))
    const added = sidecar.own('POST', '/v1/reload')
    // A new app that is made of the old record now would spend what is spent already.
    for (let beat = 0; beat < 20; beat++) await sidecar.beat()
    await sidecar.own('GET', '/v1/callers')
    held.release()
    expect(await removed).toMatchObject({ status: 200, body: { removed: [ME] } })
    expect(await added).toMatchObject({ status: 200, body: { added: [ME] } })
    expect(world.server.liveFamilies()).toMatchObject([{ generation: 1 }])
    await expectHolds(sidecar)
  })

  it('that makes another app of it keeps what the refresh brought for the day it is the first again', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const { clientId } = world.server.clients.spa
    await sidecar.home.write(world.config({ [ME]: world.native({ type: 'spa', clientId }) }))
    const replaced = sidecar.own('POST', '/v1/reload')
    await sidecar.status(ME)
    held.release()
    expect(await replaced).toMatchObject({ status: 200, body: { changed: [ME] } })
    expect(await sidecar.token(ME)).toMatchObject(SIGNED_OUT)
    expect(refreshes()).toBe(1)
    await sidecar.home.write(world.config({ [ME]: world.native() }))
    await sidecar.own('POST', '/v1/reload')
    await expectHolds(sidecar)
  })

  it('that has begun is what a refresh that comes then goes by', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    let read: () => void = () => undefined
    const reading = new Promise<void>((resolve) => {
      sidecar.beforeConfig = () => {
        resolve()
        return new Promise((done) => {
          read = done
        })
      }
    })
    await sidecar.home.write(world.config({}))
    const reload = sidecar.own('POST', '/v1/reload')
    await reading
    const held = await refreshUnderWay(sidecar)
    read()
    sidecar.beforeConfig = async () => undefined
    await sidecar.own('GET', '/v1/callers')
    const asked = refreshes()
    held.release()
    expect(await reload).toMatchObject({ body: { removed: [ME] } })
    expect(await sidecar.call('POST', `/v1/apps/${ME}/refresh`)).toMatchObject({ status: 404 })
    expect(refreshes()).toBe(asked)
    await sidecar.home.write(world.config({ [ME]: world.native() }))
    await sidecar.own('POST', '/v1/reload')
    await expectHolds(sidecar)
  })

  it('that read an older config is not the one that stays, however long it took', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    let reads = 0
    let goOn: () => void = () => undefined
    sidecar.afterConfig = () => {
      reads += 1
      return reads === 1 ? new Promise<void>((resolve) => (goOn = resolve)) : undefined
    }
    await sidecar.home.write(world.config({ [ME]: world.native(), old: world.native() }))
    const older = sidecar.own('POST', '/v1/reload')
    await until('the older config is read', () => reads === 1)
    await sidecar.home.write(world.config({ [ME]: world.native() }))
    const newer = sidecar.own('POST', '/v1/reload')
    await sidecar.own('GET', '/v1/callers')
    for (let beat = 0; beat < 20; beat++) await sidecar.beat()
    goOn()
    expect(await older).toMatchObject({ status: 200, body: { added: ['old'] } })
    expect(await newer).toMatchObject({ status: 200, body: { removed: ['old'] } })
    expect(await sidecar.own('GET', '/v1/apps')).toMatchObject({ body: { apps: [{ app: ME }] } })
    await expectHolds(sidecar)
  })

  it('that changes the settings alone leaves the refresh and the session undisturbed', async () => {
    const { sidecar, first } = await signedIn()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const changed = world.native({ refresh: { ahead: '5m' } })
    await sidecar.home.write(world.config({ [ME]: changed }))
    const reload = sidecar.own('POST', '/v1/reload')
    await sidecar.status(ME)
    held.release()
    expect(await reload).toMatchObject({ body: { changed: [ME] } })
    expect(await tokenOf(sidecar)).not.toBe(first)
    expect(refreshes()).toBe(1)
    await expectHolds(sidecar)
  })
})

describe('a new vault key', () => {
  it('waits for no refresh; what is stored after it is under the new key', async () => {
    const other = 'evo-too'
    const observed = await observe(world, { [ME]: world.native(), [other]: world.native() })
    const { sidecar } = observed
    await using _sidecar = sidecar
    await sidecar.signIn(ME, createPerson('ada'))
    await sidecar.signIn(other, createPerson('grace'))
    const held = world.path.hold('answer')
    const refresh = sidecar.call('POST', `/v1/apps/${ME}/refresh`)
    await held.arrived
    const rotation = await sidecar.own('POST', '/v1/vault/key', { rotate: true })
    expect(rotation).toMatchObject({ status: 200, body: { rotated: true } })
    world.clock.pass(SLOW_REQUEST_MS)
    const meanwhile = await sidecar.call('POST', `/v1/apps/${other}/refresh`)
    expect(meanwhile).toMatchObject({ status: 200 })
    held.release()
    expect(await refresh).toMatchObject({ status: 200 })
    await sidecar.restart()
    expect(await tokenOf(sidecar)).toBe((await refresh).body.access_token)
    expect(await tokenOf(sidecar, other)).toBe(meanwhile.body.access_token)
    await expectHolds(sidecar)
    await expectHolds(sidecar, other)
    expect(world.server.liveFamilies()).toHaveLength(2)
  })
})

describe('a new client secret', () => {
  const SECRETS = { old: 'secret-of-last-year-5d1c', new: 'secret-of-this-year-9e02' }
  const WEB = 'web-evo-changing'

  /** The registration is given another secret while the daemon runs: the same server, with its past. */
  async function webWorld() {
    await world[Symbol.asyncDispose]()
    const store = createProviderStore()
    const withSecret = (redirectUri: string, client_secret: string) => [
      {
        client_id: WEB,
        client_secret,
        redirect_uris: [redirectUri],
        response_types: ['code' as const],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_post' as const,
      },
    ]
    world = await createStrictWorld({
      store,
      clients: (redirectUri) => withSecret(redirectUri, SECRETS.old),
    })
    const { redirectUri, path } = world
    const apps = { [ME]: world.native({ type: 'web', clientId: WEB }) }
    const { sidecar } = await observe(world, apps)
    await sidecar.own('PUT', `/v1/apps/${ME}/client-secret`, { client_secret: SECRETS.old })
    await sidecar.signIn(ME, createPerson('ada'))
    return {
      sidecar,
      change: async () => {
        const next = await startAuthorizationServer({
          issuer: path.url,
          store,
          clients: withSecret(redirectUri, SECRETS.new),
        })
        path.leadTo(next.url)
        return next
      },
    }
  }

  it('that comes during a refresh is used for the next one, and then kept', async () => {
    const { sidecar, change } = await webWorld()
    await using _sidecar = sidecar
    const held = await refreshUnderWay(sidecar)
    const put = sidecar.own('PUT', `/v1/apps/${ME}/client-secret`, { client_secret: SECRETS.new })
    await sidecar.status(ME)
    await using _next = await change()
    held.release()
    expect(await put).toMatchObject({ status: 200, body: { proven: false } })
    await expectHolds(sidecar)
  })

  it('is what a refresh uses that comes after it', async () => {
    const { sidecar, change } = await webWorld()
    await using _sidecar = sidecar
    await using _next = await change()
    world.clock.pass(DUE_MS)
    await sidecar.round()
    // Refused, for want of the new secret; nothing of the session is lost.
    expect(await sidecar.status(ME)).toMatchObject({ session: 'misconfigured' })
    const put = await sidecar.own('PUT', `/v1/apps/${ME}/client-secret`, {
      client_secret: SECRETS.new,
    })
    expect(put).toMatchObject({ body: { proven: false } })
    await sidecar.round()
    expect(await sidecar.status(ME)).toMatchObject({ session: 'active', last_error: null })
    await expectHolds(sidecar)
  })

  it('of a service app is proven between two of its requests, in either order', async () => {
    const { clientId, clientSecret } = world.server.clients.service
    const robot = { type: 'service', clientId, scopes: SCOPES }
    const { sidecar } = await observe(world, { robot })
    await using _sidecar = sidecar
    const put = (client_secret: string) =>
      sidecar.own('PUT', '/v1/apps/robot/client-secret', { client_secret })
    expect(await put(clientSecret)).toMatchObject({ body: { proven: true } })
    const first = await tokenOf(sidecar, 'robot')

    // A request is under way when the secret comes.
    let held = world.path.hold('answer')
    world.clock.pass(DUE_MS)
    await sidecar.beat()
    await held.arrived
    let proven = put(clientSecret)
    await sidecar.status('robot')
    held.release()
    expect(await proven).toMatchObject({ body: { proven: true } })
    const second = await tokenOf(sidecar, 'robot')
    expect(second).not.toBe(first)

    // The secret is being proven when the next token is due.
    world.clock.pass(DUE_MS - SOON_MS)
    held = world.path.hold('answer')
    proven = put(clientSecret)
    await held.arrived
    world.clock.pass(SOON_MS)
    await sidecar.beat()
    const before = world.server.count('client_credentials')
    held.release()
    expect(await proven).toMatchObject({ body: { proven: true } })
    await sidecar.round()
    expect(await tokenOf(sidecar, 'robot')).not.toBe(second)
    expect(world.server.count('client_credentials')).toBe(before)

    // One that is refused changes nothing.
    expect(await put('wrong')).toMatchObject({ status: 409, body: { error: 'misconfigured' } })
    await sidecar.restart()
    world.clock.pass(DUE_MS)
    await sidecar.round()
    expect(await sidecar.status('robot')).toMatchObject({ session: 'active', last_error: null })
  })
})

/** What the server does with the sessions of one person: why an older one is not revoked. */
describe('the older session of a person who signs in again', () => {
  it('hangs on the same grant in the same browser: to revoke its token would end the newer one', async () => {
    const { sidecar, person } = await signedIn()
    await using _sidecar = sidecar
    await sidecar.signIn(ME, person)
    const families = world.server.liveFamilies()
    expect(families).toHaveLength(2)
    expect(new Set(families.map(({ grantId }) => grantId)).size).toBe(1)
    // A logout ends both: it revokes the newer one, and so the grant.
    await sidecar.own('POST', `/v1/apps/${ME}/logout`)
    await expectSignedOut(sidecar)
  })

  it('has a grant of its own in another browser, and is left to end by itself', async () => {
    const { sidecar } = await signedIn()
    await using _sidecar = sidecar
    await sidecar.signIn(ME, createPerson('ada'))
    const families = world.server.liveFamilies()
    expect(new Set(families.map(({ grantId }) => grantId)).size).toBe(2)
    await sidecar.own('POST', `/v1/apps/${ME}/logout`)
    expect(world.server.liveFamilies()).toMatchObject([{ login: 'ada' }])
  })
})
