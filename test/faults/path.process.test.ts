/** Every fault of the path alone, against the real daemon and a server that forgives nothing. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createPerson } from '../support/person.ts'
import { PATH_FAULTS, type PathFault } from './path-faults.ts'
import { type Sidecar, TIME_LIMIT_MS } from './sidecar.ts'
import {
  AHEAD_MS,
  backOffMs,
  createStrictWorld,
  LIFETIME_MS,
  observe,
  type Observed,
  RETRY_MAX_MS,
  SCOPES,
  type StrictWorld,
} from './strict-world.ts'

const ME = 'evo-me'
const JITTER = 0.2
/** The age at which a token is due: its lead, less as much of the last tenth as the jitter takes. */
const DUE_MS = LIFETIME_MS - AHEAD_MS * (1 - JITTER / 10)

let world: StrictWorld
let people = 0

beforeAll(async () => {
  world = await createStrictWorld()
})
afterEach(() => world.path.clear())
afterAll(() => world[Symbol.asyncDispose]())

/** A person whom the server has never seen signs in. */
async function signedIn() {
  const observed = await observe(world, { [ME]: world.native() }, JITTER)
  await observed.sidecar.signIn(ME, createPerson(`person-${++people}`))
  const { body } = await observed.sidecar.token(ME)
  return { ...observed, first: body.access_token as string, sentBefore: observed.sends() }
}

/** A heartbeat and whatever it sets off; what hangs is given up as soon as its time is over. */
async function attempt(
  { sidecar }: Observed,
  fault: PathFault,
  requests: number,
  app = ME,
): Promise<void> {
  const { path, clock } = world
  const before = path.arrivals.length
  await sidecar.beat()
  for (let request = 1; fault.hangs && request <= requests; request++) {
    await path.until(() => path.arrivals[before + request - 1]?.state === 'hanging')
    await expectServedOrNot(sidecar, app)
    clock.pass(TIME_LIMIT_MS)
  }
  await sidecar.settled()
}

/** While a request is under way: a token that is good is served at once, and one that is not never. */
async function expectServedOrNot(sidecar: Sidecar, app: string): Promise<void> {
  const { freshness } = await sidecar.status(app)
  const { status, body } = await sidecar.token(app)
  if (freshness === 'expired') expect({ status, ...body }).toMatchObject(BEING_RENEWED)
  else expect({ freshness, status }).toEqual({ freshness: 'stale', status: 200 })
}

const BEING_RENEWED = { status: 503, error: 'unavailable' }

function waitMs(fault: PathFault, failures: number): number {
  if (fault.says.session === 'misconfigured') return RETRY_MAX_MS
  return fault.retryAfterS === undefined ? backOffMs(failures, JITTER) : fault.retryAfterS * 1000
}

/** What every caller is told while there is a good token, whatever became of the session. */
async function expectServed({ sidecar }: Observed, accessToken?: string): Promise<string> {
  const { status, body } = await sidecar.token(ME)
  expect(status).toBe(200)
  if (accessToken !== undefined) expect(body.access_token).toBe(accessToken)
  expect(await sidecar.readyz(ME)).toEqual({ status: 200, reason: null })
  expect(await sidecar.exitCode('get', ME)).toBe(0)
  expect(await sidecar.exitCode('status', ME)).toBe(0)
  return body.access_token as string
}

async function expectRefused(
  { sidecar }: Observed,
  { status, reason, exit }: PathFault['says'],
): Promise<void> {
  const refused = await sidecar.token(ME)
  expect(refused).toMatchObject({ status, body: { error: reason } })
  expect('retry-after' in refused.headers).toBe(status === 503)
  expect(await sidecar.readyz(ME)).toEqual({ status: 503, reason })
  expect(await sidecar.exitCode('get', ME)).toBe(exit)
  expect(await sidecar.exitCode('status', ME)).toBe(0)
}

/** The session is on the disk as it is at the server: a new process goes on with it. */
async function expectAlive(observed: Observed): Promise<void> {
  const { sidecar } = observed
  const served = await expectServed(observed)
  await sidecar.restart()
  expect(await expectServed(observed, served)).toBe(served)
  const sent = observed.sends()
  const { status, body } = await sidecar.call('POST', `/v1/apps/${ME}/refresh`)
  expect(status).toBe(200)
  expect(body.access_token).not.toBe(served)
  expect(observed.sends()).toBe(sent + 1)
  expect(world.server.liveFamilies()).toMatchObject([{ login: `person-${people}` }])
}

async function end({ sidecar }: Observed): Promise<void> {
  await sidecar.own('POST', `/v1/apps/${ME}/logout`)
  expect(world.server.liveFamilies()).toEqual([])
}

const kept = PATH_FAULTS.filter(({ session }) => session === 'kept')
const usable = kept.filter(({ says }) => says.reason === null)
const failing = kept.filter(({ says }) => says.reason !== null)
const costly = PATH_FAULTS.filter(({ session }) => session === 'may be lost')
const final = PATH_FAULTS.filter(({ session }) => session === 'ended')

describe('what costs nothing', () => {
  it.each(usable)('$name', async (fault) => {
    const observed = await signedIn()
    await using sidecar = observed.sidecar
    await world.path.meet(fault)
    world.clock.pass(DUE_MS)
    await attempt(observed, fault, 1)

    const second = await expectServed(observed)
    expect(second).not.toBe(observed.first)
    expect(observed.sends()).toBe(observed.sentBefore + 1)
    const ends = Math.floor((world.clock.read().wall + LIFETIME_MS) / 1000) * 1000
    const { session, last_error, expires_at } = await sidecar.status(ME)
    expect({ session, last_error, ends: Date.parse(expires_at ?? '') }).toEqual({
      session: 'active',
      last_error: null,
      ends,
    })
    await expectAlive(observed)
    await world.path.clear()
    await end(observed)
  })
})

describe('what passes', () => {
  it.each(failing)('$name', async (fault) => {
    const { path, clock } = world
    const observed = await signedIn()
    const { first, sentBefore } = observed
    await using sidecar = observed.sidecar
    const arrivedBefore = path.arrivals.length
    await path.meet(fault)
    clock.pass(DUE_MS)
    await attempt(observed, fault, fault.requests)

    // The first attempt may be two requests; the token that is good is served meanwhile.
    await expectServed(observed, first)
    expect(observed.sends() - sentBefore).toBe(fault.requests)
    const refused = fault.happen === 'refuses'
    expect(path.arrivals.length - arrivedBefore).toBe(refused ? 0 : fault.requests)
    const { session, last_error, retry_at } = await sidecar.status(ME)
    const waits = waitMs(fault, fault.requests)
    const until = Math.floor((clock.read().wall + waits) / 1000) * 1000
    expect({ session, error: last_error?.error, until: Date.parse(retry_at ?? '') }).toEqual({
      session: fault.says.session,
      error: fault.error,
      until,
    })

    // No caller and no heartbeat gets a request out before the back-off is over.
    clock.pass(waits - 1)
    await sidecar.call('POST', `/v1/apps/${ME}/refresh`)
    await sidecar.call('GET', `/v1/apps/${ME}/token?min_ttl=3599`)
    await sidecar.round()
    expect(observed.sends() - sentBefore).toBe(fault.requests)
    clock.pass(1)
    await attempt(observed, fault, 1)
    expect(observed.sends() - sentBefore).toBe(fault.requests + 1)
    await expectServed(observed, first)

    // It lasts until the token has run out.
    clock.pass(LIFETIME_MS - DUE_MS)
    await attempt(observed, fault, 1)
    expect(observed.sends() - sentBefore).toBe(fault.requests + 2)
    await expectRefused(observed, fault.says)

    // It is over, and the first beat after the back-off step has a new token.
    await path.clear()
    clock.pass(waitMs(fault, fault.requests + 2) - 1)
    await sidecar.round()
    expect(observed.sends() - sentBefore).toBe(fault.requests + 2)
    clock.pass(1)
    await sidecar.round()
    expect(observed.sends() - sentBefore).toBe(fault.requests + 3)
    expect(await expectServed(observed)).not.toBe(first)
    expect(await sidecar.status(ME)).toMatchObject({
      session: 'active',
      failures: 0,
      last_error: null,
    })
    await expectAlive(observed)
    await end(observed)
  })

  it.each(failing.filter(({ requests }) => requests === 2))(
    'is over with the second request, which is made at once: $name',
    async (fault) => {
      const { path, clock } = world
      const observed = await signedIn()
      await using sidecar = observed.sidecar
      await path.meetOnce(fault)
      clock.pass(DUE_MS)
      await attempt(observed, fault, 1)
      expect(observed.sends() - observed.sentBefore).toBe(2)
      expect(await expectServed(observed)).not.toBe(observed.first)
      expect(await sidecar.status(ME)).toMatchObject({ session: 'active', last_error: null })
      await expectAlive(observed)
      await end(observed)
    },
  )
})

describe('what may cost the session, since the server rotated and the answer is nowhere', () => {
  it.each(costly)('$name', async (fault) => {
    const { path, clock, server } = world
    const observed = await signedIn()
    await using sidecar = observed.sidecar
    await path.meetOnce(fault)
    clock.pass(DUE_MS)
    await attempt(observed, fault, 1)

    // The second request is made at once: some servers would still take the old token. This one does not.
    expect(observed.sends() - observed.sentBefore).toBe(2)
    expect(server.liveFamilies()).toEqual([])
    expect(await sidecar.status(ME)).toMatchObject({
      session: 'signed-out',
      last_error: { error: 'answer_lost' },
    })
    await expectServed(observed, observed.first)
    await sidecar.restart()
    await expectServed(observed, observed.first)

    clock.pass(LIFETIME_MS - DUE_MS)
    await sidecar.round()
    await expectRefused(observed, {
      session: 'signed-out',
      reason: 'login_required',
      status: 409,
      exit: 3,
    })
    expect(observed.sends() - observed.sentBefore).toBe(2)
    await sidecar.signIn(ME, createPerson(`person-${people}`))
    await expectAlive(observed)
    await end(observed)
  })

  it.each(costly)('and nothing tells so while it lasts: $name', async (fault) => {
    const { path, clock } = world
    const observed = await signedIn()
    await using sidecar = observed.sidecar
    await path.meet(fault)
    clock.pass(DUE_MS)
    await attempt(observed, fault, 2)
    expect(observed.sends() - observed.sentBefore).toBe(2)
    expect(await sidecar.status(ME)).toMatchObject({ session: 'retrying' })
    await expectServed(observed, observed.first)
    clock.pass(LIFETIME_MS - DUE_MS)
    await attempt(observed, fault, 1)
    await expectRefused(observed, fault.says)
    await path.clear()
    clock.pass(backOffMs(3, JITTER))
    await sidecar.round()
    expect(await sidecar.status(ME)).toMatchObject({
      session: 'signed-out',
      last_error: { error: 'answer_lost' },
    })
    expect(observed.sends() - observed.sentBefore).toBe(4)
  })
})

describe('what ends the session in so many words', () => {
  it.each(final)('$name', async (fault) => {
    const { path, clock } = world
    const observed = await signedIn()
    await using sidecar = observed.sidecar
    await path.meet(fault)
    clock.pass(DUE_MS)
    await attempt(observed, fault, 1)
    await expectServed(observed, observed.first)
    const { session, last_error } = await sidecar.status(ME)
    expect({ session, error: last_error?.error }).toEqual({
      session: 'signed-out',
      error: fault.error,
    })
    clock.pass(LIFETIME_MS - DUE_MS)
    await sidecar.round()
    await expectRefused(observed, fault.says)
    // No request is made any more, since there is nothing to ask with.
    expect(observed.sends() - observed.sentBefore).toBe(1)
    await path.clear()
  })
})

describe('a service app, which spends nothing', () => {
  it('recovers from every fault by itself, and makes one request each time', async () => {
    const { path, clock, server } = world
    const { clientId, clientSecret } = server.clients.service
    const observed = await observe(world, { robot: { type: 'service', clientId, scopes: SCOPES } })
    await using sidecar = observed.sidecar
    await sidecar.own('PUT', '/v1/apps/robot/client-secret', { client_secret: clientSecret })
    for (const fault of PATH_FAULTS) {
      const before = server.count('client_credentials')
      const arrivedBefore = path.arrivals.length
      await path.meet(fault)
      clock.pass(DUE_MS)
      await attempt(observed, fault, 1, 'robot')
      const arrived = path.arrivals.length - arrivedBefore
      expect({ fault: fault.name, arrived }).toEqual({
        fault: fault.name,
        arrived: fault.happen === 'refuses' ? 0 : 1,
      })
      expect(await sidecar.token('robot')).toMatchObject({ status: 200 })
      expect(server.count('client_credentials') - before).toBe(fault.acted ? 1 : 0)
      await path.clear()
      clock.pass(RETRY_MAX_MS)
      await sidecar.round()
      const { session, freshness } = await sidecar.status('robot')
      expect({ fault: fault.name, session, freshness }).toEqual({
        fault: fault.name,
        session: 'active',
        freshness: 'fresh',
      })
    }
  })
})
