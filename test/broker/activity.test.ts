import { describe, expect, it } from 'vitest'
import { app as nativeApp } from '../support/builders.ts'
import {
  createWorld,
  granted,
  INVALID_GRANT,
  settle,
  signedIn,
  unavailable,
} from '../support/broker-world.ts'
import { sha256Hex } from '../../src/secret.ts'

const HOUR_MS = 3_600_000

type World = Awaited<ReturnType<typeof signedIn>>

function told({ activity }: World) {
  return activity.map(({ kind, cause, caller }) => [kind, cause ?? null, caller ?? null])
}

describe('the activity of an app', () => {
  it('tells that a token was renewed because it was due, and how long that took', async () => {
    const world = await signedIn()
    world.answers.push(() => {
      world.pass(400)
      return granted()
    })
    world.pass(HOUR_MS)
    await world.beat()
    expect(world.activity).toMatchObject([
      { kind: 'renewed', app: 'evo-me', cause: 'age', durationMs: 400 },
    ])
  })

  it('names the caller that wanted a longer life, and the one that reported a refused token', async () => {
    const world = await signedIn()
    world.answers.push(granted(), granted())
    await world.broker.token('evo-me', {
      minTtlMs: 10 * HOUR_MS,
      waitMs: 1_000,
      caller: 'notebook',
    })
    world.pass(60_000)
    const current = world.broker.accessToken('evo-me')?.expose() ?? ''
    await world.broker.refresh('evo-me', { rejectedSha256: sha256Hex(current), caller: 'job' })
    expect(told(world)).toEqual([
      ['renewed', 'caller', 'notebook'],
      ['renewed', 'report', 'job'],
    ])
  })

  it('tells of a failure, the attempt after it, and the recovery', async () => {
    const world = await signedIn()
    world.answers.push(unavailable(), granted())
    world.pass(HOUR_MS)
    await world.beat()
    world.pass(HOUR_MS)
    await world.beat()
    expect(told(world)).toEqual([
      ['renewal_failed', 'age', null],
      ['renewed', 'retry', null],
      ['recovered', null, null],
    ])
  })

  it('tells that the server ended the session, and that the owner signed out', async () => {
    const world = await signedIn()
    world.answers.push(INVALID_GRANT)
    world.pass(HOUR_MS)
    await world.beat()
    const other = await signedIn()
    await other.broker.logout('evo-me')
    expect(told(world)).toEqual([['session_ended', 'age', null]])
    expect(told(other)).toEqual([['signed_out', null, 'owner']])
  })

  it('tells what the owner asked for, and what a reload changed', async () => {
    const world = await signedIn()
    world.answers.push(granted())
    await world.broker.refresh('evo-me', { now: true })
    await world.broker.reload(world.registrationsOf([nativeApp({ name: 'evo-new' })]))
    expect(told(world)).toEqual([
      ['renewed', 'owner', 'owner'],
      ['config_reloaded', null, 'owner'],
      ['app_added', null, 'owner'],
      ['app_removed', null, 'owner'],
    ])
  })

  it('tells of a sign-in that was not completed', async () => {
    const world = createWorld()
    await world.broker.open()
    await world.broker.signIns.start('evo-me', { method: 'browser', switchUser: false })
    world.pass(HOUR_MS)
    await world.beat()
    await settle()
    expect(world.activity).toMatchObject([{ kind: 'sign_in_failed', error: 'timeout' }])
  })

  it('tells how long the machine slept', async () => {
    const world = await signedIn()
    world.answers.push(granted())
    const { wall, mono } = world.clock.now
    world.clock.now = { wall: wall + 8 * HOUR_MS, mono: mono + 5_000 }
    await world.beat()
    expect(world.activity[0]).toEqual({ kind: 'slept', durationMs: 8 * HOUR_MS - 5_000 })
  })
})
