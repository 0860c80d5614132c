/** Very many callers at once, over real HTTP: the authorization server hears of them once. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createPerson } from '../support/person.ts'
import { createStrictWorld, LIFETIME_MS, observe, type StrictWorld } from './strict-world.ts'

const ME = 'evo-me'

let world: StrictWorld
let people = 0

beforeAll(async () => {
  world = await createStrictWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

async function signedIn() {
  const observed = await observe(world, { [ME]: world.native() })
  await observed.sidecar.signIn(ME, createPerson(`person-${++people}`))
  const { body } = await observed.sidecar.token(ME)
  const first = body.access_token as string
  return { ...observed, first, before: world.server.count('refresh_token') }
}

function asked(before: number): number {
  return world.server.count('refresh_token') - before
}

it('answers a thousand callers at the end of a token with the same new one, for one request', async () => {
  const { sidecar, first, before } = await signedIn()
  await using _sidecar = sidecar
  const held = world.path.hold('request')
  world.clock.pass(LIFETIME_MS)
  const callers = Array.from({ length: 1_000 }, () =>
    sidecar.call('GET', `/v1/apps/${ME}/token?wait=60`),
  )
  await held.arrived
  held.release()
  const answers = await Promise.all(callers)
  const tokens = new Set(answers.map(({ body }) => body.access_token))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  expect(tokens.size).toBe(1)
  expect(tokens.has(first)).toBe(false)
  expect(asked(before)).toBe(1)
})

it('refreshes once for fifty callers that report the same rejected token', async () => {
  const { sidecar, first, before } = await signedIn()
  await using _sidecar = sidecar
  const rejected = { rejected_sha256: createHash('sha256').update(first).digest('hex') }
  const reporters = Array.from({ length: 50 }, () =>
    sidecar.call('POST', `/v1/apps/${ME}/refresh`, rejected),
  )
  const answers = await Promise.all(reporters)
  // Those who come late with the same complaint get the token that has been fetched meanwhile.
  const late = await sidecar.call('POST', `/v1/apps/${ME}/refresh`, rejected)
  const tokens = new Set([...answers, late].map(({ body }) => body.access_token))
  expect(tokens.size).toBe(1)
  expect(tokens.has(first)).toBe(false)
  expect(asked(before)).toBe(1)
})

it('refreshes at most once in ten seconds, however often it is forced to', async () => {
  const { sidecar, first, before } = await signedIn()
  await using _sidecar = sidecar
  const served = new Set<unknown>()
  for (let caller = 0; caller < 50; caller++) {
    const { status, body } = await sidecar.call('POST', `/v1/apps/${ME}/refresh`)
    expect(status).toBe(200)
    served.add(body.access_token)
    world.clock.pass(199)
  }
  expect(asked(before)).toBe(1)
  expect(served.size).toBe(1)
  expect(served.has(first)).toBe(false)
  // The fifty took 9.95 s: the next may ask again.
  world.clock.pass(50)
  await sidecar.call('POST', `/v1/apps/${ME}/refresh`)
  expect(asked(before)).toBe(2)
})
