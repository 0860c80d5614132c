/** Ends that a server states with each answer, at a real one: those that move are not warned of. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createPerson } from '../support/person.ts'
import type { Sidecar } from './sidecar.ts'
import { createStrictWorld, observe, type StrictWorld } from './strict-world.ts'

const ME = 'evo-me'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const AHEAD = '10s'
const TTL_MS = MINUTE_MS
const IDLE_S = 1_800

let world: StrictWorld

beforeEach(async () => {
  world = await createStrictWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

interface Told {
  readonly session_expires_at: string | null
  readonly session_expires_soon: boolean
}

async function told(sidecar: Sidecar): Promise<Told> {
  return (await sidecar.own('GET', `/v1/apps/${ME}`)).body as unknown as Told
}

/** Signs in at a server with tokens of a minute that states a lifetime of the session with each. */
async function signedIn(statesS: () => number) {
  world.server.intercept = async (_request, act) => {
    const { body, ...answer } = await act()
    const lifetimes = { expires_in: TTL_MS / 1000, refresh_expires_in: statesS() }
    return { ...answer, body: { ...body, ...lifetimes } }
  }
  const { sidecar } = await observe(world, { [ME]: world.native({ refresh: { ahead: AHEAD } }) })
  await sidecar.signIn(ME, createPerson('ada'))
  return sidecar
}

/** A refresh, 52 s after the one before. */
async function refresh(sidecar: Sidecar): Promise<Told> {
  world.clock.pass(52_000)
  await sidecar.round()
  await sidecar.round()
  return told(sidecar)
}

it('an idle time that each refresh begins anew is no end, also after a restart', async () => {
  const sidecar = await signedIn(() => IDLE_S)
  await using _sidecar = sidecar
  const seen = [await told(sidecar)]
  for (let minute = 0; minute < 45; minute++) {
    seen.push(await refresh(sidecar))
    if (minute === 20) await sidecar.restart()
  }
  expect(world.server.count('refresh_token')).toBe(45)
  for (const one of seen) {
    expect(one).toMatchObject({ session_expires_at: null, session_expires_soon: false })
  }
})

it('the longest time of a session is an end, from when the idle time shrinks towards it', async () => {
  const endsAt = world.clock.read().wall + HOUR_MS
  const leftS = () => Math.floor((endsAt - world.clock.read().wall) / 1000)
  const sidecar = await signedIn(() => Math.min(IDLE_S, leftS()))
  await using _sidecar = sidecar
  let soonFromMs: number | undefined
  while (leftS() > 60) {
    const { session_expires_soon: soon } = await refresh(sidecar)
    if (soon) soonFromMs ??= leftS() * 1000
    if (soonFromMs !== undefined) expect(soon).toBe(true)
  }
  expect(soonFromMs).toBeGreaterThan(8 * MINUTE_MS)
  expect(soonFromMs).toBeLessThanOrEqual(10 * MINUTE_MS)
  const { session_expires_at: at } = await told(sidecar)
  expect(Math.abs(Date.parse(at ?? '') - endsAt)).toBeLessThanOrEqual(2_000)
})

it('a lifetime that is counted down from the first day on is an end', async () => {
  const endsAt = world.clock.read().wall + 3 * HOUR_MS
  const leftS = () => Math.floor((endsAt - world.clock.read().wall) / 1000)
  const sidecar = await signedIn(leftS)
  await using _sidecar = sidecar
  // The first statement alone does not tell which of the two it is.
  expect(await told(sidecar)).toMatchObject({ session_expires_at: null })
  const { session_expires_at: at, session_expires_soon: soon } = await refresh(sidecar)
  expect(Math.abs(Date.parse(at ?? '') - endsAt)).toBeLessThanOrEqual(2_000)
  expect(soon).toBe(false)
})
