/** A service app needs its client secret and no person: what it does without its record, and what it says. */
import { describe, expect, it } from 'vitest'
import { needOf } from '../../src/core/attention.ts'
import { Secret } from '../../src/secret.ts'
import { app, MINUTE, serviceApp, tokenOf } from '../support/builders.ts'
import { createWorld, granted, INVALID_CLIENT } from '../support/broker-world.ts'

const PIPELINE = 'evo-pipeline'
const NOW_ONLY = { waitMs: 0 }
const token = granted({ accessToken: new Secret('at-1') })
const toldToStore = {
  code: 'misconfigured',
  status: 409,
  exitCode: 7,
  hint: expect.stringMatching(
    /^Store its client secret.*`evo-token secret evo-pipeline`/,
  ) as string,
}

/** What systemd hands over is tried where the record has none. */
async function opened({ secret, damaged = false }: { secret?: string; damaged?: boolean }) {
  const world = createWorld({ apps: [serviceApp()] })
  if (secret !== undefined) world.credentials.set(PIPELINE, new Secret(secret))
  if (damaged) world.damaged.add(PIPELINE)
  await world.restart()
  return world
}

describe('with a damaged record', () => {
  it('gets its next token with the secret that systemd hands over', async () => {
    const world = await opened({ secret: 'from-systemd', damaged: true })
    world.answers.push(token)
    await world.beat()
    expect(world.requests).toEqual(['issue from-systemd'])
    expect(world.broker.token(PIPELINE, NOW_ONLY)).toMatchObject(tokenOf('at-1'))
    expect(world.broker.status(PIPELINE)).toMatchObject({ session: 'active', lastError: null })
    expect(world.broker.readiness(PIPELINE)).toEqual({ ready: true, reason: null })
  })

  it('says that its secret is gone, and asks for one', async () => {
    const world = await opened({ damaged: true })
    await world.beat()
    const status = world.broker.status(PIPELINE)
    expect(status).toMatchObject({
      session: 'misconfigured',
      lastError: {
        code: 'client_secret_missing',
        message: expect.stringMatching(/could not be read.*secret was in it.*set aside/) as string,
      },
    })
    await expect(world.broker.token(PIPELINE, NOW_ONLY)).rejects.toMatchObject(toldToStore)
    expect(world.broker.readiness(PIPELINE)).toEqual({ ready: false, reason: 'misconfigured' })
    expect(status.problems.map(needOf)).toEqual(['misconfigured'])
    expect(world.requests).toEqual([])
  })

  it('says nothing of the damage any more once it has stored another record', async () => {
    const world = await opened({ secret: 'from-systemd', damaged: true })
    world.answers.push(token)
    await world.beat()
    world.credentials.clear()
    await world.broker.reload(world.registrationsOf(world.apps))
    world.pass(51 * MINUTE)
    await world.beat()
    expect(world.broker.status(PIPELINE).lastError?.message).toBe(
      'No client secret is stored for "evo-pipeline".',
    )
  })

  it('goes on with the secret that a person stores', async () => {
    const world = await opened({ damaged: true })
    await world.beat()
    world.answers.push(token)
    expect(await world.broker.putClientSecret(PIPELINE, new Secret('anew'))).toEqual({
      proven: true,
    })
    expect(world.broker.token(PIPELINE, NOW_ONLY)).toMatchObject(tokenOf('at-1'))
    // The damage is over with the record that was stored.
    await world.broker.logout(PIPELINE)
    await world.restart()
    await world.beat()
    expect(world.broker.status(PIPELINE).lastError?.message).toBe(
      'No client secret is stored for "evo-pipeline".',
    )
  })

  it('tells of the secret that is refused as of any other', async () => {
    const world = await opened({ secret: 'old', damaged: true })
    world.answers.push(INVALID_CLIENT)
    await world.beat()
    await expect(world.broker.token(PIPELINE, NOW_ONLY)).rejects.toMatchObject(toldToStore)
  })

  it('of an app that a person signs in to is told of as before', async () => {
    const world = createWorld({ apps: [app()] })
    world.damaged.add('evo-me')
    await world.broker.open()
    expect(world.broker.status('evo-me')).toMatchObject({
      session: 'signed-out',
      lastError: { code: 'record_damaged' },
    })
    await expect(world.broker.token('evo-me', NOW_ONLY)).rejects.toMatchObject({
      code: 'login_required',
    })
  })
})

describe('signed out', () => {
  async function signedOut(secret?: string) {
    const world = await opened({ secret: secret ?? 'stored' })
    world.answers.push(token)
    await world.beat()
    await world.broker.logout(PIPELINE)
    return world
  }

  it('asks for its secret and not for a person', async () => {
    const world = await signedOut()
    world.pass(10 * MINUTE)
    await world.beat()
    await expect(world.broker.token(PIPELINE, NOW_ONLY)).rejects.toMatchObject(toldToStore)
    await expect(world.broker.refresh(PIPELINE, {})).rejects.toMatchObject(toldToStore)
    expect(world.broker.readiness(PIPELINE)).toEqual({ ready: false, reason: 'misconfigured' })
    expect(world.broker.status(PIPELINE)).toMatchObject({ session: 'signed-out', lastError: null })
  })

  it('is nothing to notify a person of, who did it', async () => {
    const world = await signedOut()
    expect(world.broker.status(PIPELINE).problems.map(needOf)).toEqual([undefined])
  })
})
