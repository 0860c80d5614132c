/** An app whose record a newer version wrote: it waits, nothing of it is changed, and it goes on by itself. */
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { app, HOUR, MINUTE, serviceApp, tokenOf } from '../support/builders.ts'
import {
  createWorld,
  granted,
  INVALID_GRANT,
  signedIn,
  unavailable,
} from '../support/broker-world.ts'

const ME = 'evo-me'
const PIPELINE = 'evo-pipeline'
const NOW_ONLY = { waitMs: 0 }
const refused = {
  code: 'record_newer',
  status: 503,
  exitCode: 5,
  message: expect.stringContaining('A newer evo-token wrote the record of') as string,
  hint: expect.stringContaining('Install that version again') as string,
}

/** A native app whose record was a newer version's when the broker opened the vault. */
async function waiting() {
  const world = await signedIn()
  world.newer.add(ME)
  await world.restart()
  await world.beat()
  return world
}

describe('at the start', () => {
  it('refuses everything that needs the record, and asks the server nothing', async () => {
    const world = await waiting()
    const { broker, requests, revoked, steps } = world
    world.pass(2 * HOUR)
    await world.beat()
    await expect(broker.token(ME, NOW_ONLY)).rejects.toMatchObject(refused)
    await expect(broker.refresh(ME, {})).rejects.toMatchObject(refused)
    await expect(broker.logout(ME)).rejects.toMatchObject(refused)
    await expect(broker.putClientSecret(ME, new Secret('s'))).rejects.toMatchObject(refused)
    for (const method of ['browser', 'device'] as const) {
      const start = broker.signIns.start(ME, { method, switchUser: false })
      await expect(start).rejects.toMatchObject(refused)
    }
    expect({ requests, revoked, steps }).toEqual({ requests: [], revoked: [], steps: [] })
    expect(world.records.get(ME)?.generation).toBe(1)
  })

  it('says so in the status and in the readiness, and once in the log', async () => {
    const { beat, broker, clock, log } = await waiting()
    for (let beats = 0; beats < 3; beats++) await beat()
    expect(broker.status(ME)).toMatchObject({
      session: 'retrying',
      freshness: 'none',
      retryAt: null,
      refreshAt: null,
      lastError: { code: 'record_newer', at: clock.now.wall },
    })
    expect(broker.readiness(ME)).toEqual({ ready: false, reason: 'record_newer' })
    expect(log.lines.filter(({ message }) => message.includes('newer evo-token'))).toHaveLength(1)
  })

  it('is the same for a service app, whatever secret it has', async () => {
    const world = createWorld({ apps: [serviceApp()] })
    world.credentials.set(PIPELINE, new Secret('from-systemd'))
    world.newer.add(PIPELINE)
    await world.restart()
    await world.beat()
    await expect(world.broker.token(PIPELINE, NOW_ONLY)).rejects.toMatchObject(refused)
    await expect(world.broker.putClientSecret(PIPELINE, new Secret('s'))).rejects.toMatchObject(
      refused,
    )
    expect(world.requests).toEqual([])
  })

  it('goes on at the next beat once the record can be read, with the session that it holds', async () => {
    const world = await waiting()
    world.changes.length = 0
    world.newer.delete(ME)
    await world.beat()
    expect(world.broker.token(ME, NOW_ONLY)).toMatchObject(tokenOf('at-1'))
    expect(world.changes).toContain(ME)
    expect(world.broker.status(ME)).toMatchObject({ session: 'active', lastError: null })
    expect(world.broker.readiness(ME)).toEqual({ ready: true, reason: null })
  })

  it('goes on at once for an owner who changes the app, with what can be read by then', async () => {
    const world = await waiting()
    world.newer.delete(ME)
    expect(await world.broker.logout(ME)).toEqual({ revoked: true })
    expect(world.revoked).toEqual(['refresh_token rt-1'])
    expect(world.records.size).toBe(0)
  })

  it('tries the attempt again that was unanswered before that', async () => {
    const world = await waiting()
    world.attempts.add(ME)
    world.newer.delete(ME)
    world.answers.push(granted())
    await world.beat()
    await world.beat()
    expect(world.requests).toEqual(['refresh rt-1'])
  })

  it('goes on without a session once the record was put away', async () => {
    const world = await waiting()
    world.newer.delete(ME)
    world.records.delete(ME)
    await expect(world.broker.logout(ME)).resolves.toEqual({ revoked: false })
    await world.beat()
    await expect(world.broker.token(ME, NOW_ONLY)).rejects.toMatchObject({ code: 'login_required' })
    await world.broker.signIns.start(ME, { method: 'browser', switchUser: false })
  })

  it('lasts through a reload', async () => {
    const world = await waiting()
    await world.broker.reload(world.registrationsOf([]))
    await world.broker.reload(
      world.registrationsOf([{ ...serviceApp(), name: ME, clientId: 'another' }]),
    )
    await expect(world.broker.token(ME, NOW_ONLY)).rejects.toMatchObject(refused)
  })
})

describe('while the daemon runs', () => {
  it('serves the token that it holds to its end, and refreshes it no more', async () => {
    const world = await signedIn()
    const { broker } = world
    world.newer.add(ME)
    world.pass(51 * MINUTE)
    await world.beat()
    expect(world.requests).toEqual([])
    expect(broker.token(ME, NOW_ONLY)).toMatchObject(tokenOf('at-1'))
    expect(broker.status(ME)).toMatchObject({ lastError: { code: 'record_newer' } })
    expect(broker.readiness(ME)).toEqual({ ready: false, reason: 'record_newer' })
    world.pass(9 * MINUTE)
    await expect(broker.token(ME, NOW_ONLY)).rejects.toMatchObject(refused)
  })

  it('refuses a refresh although the token is good, but not another one than was refused', async () => {
    const world = await signedIn()
    const { broker } = world
    world.newer.add(ME)
    await expect(broker.refresh(ME, {})).rejects.toMatchObject(refused)
    const { sha256 } = new Secret('at-1')
    await expect(broker.refresh(ME, { rejectedSha256: sha256 })).rejects.toMatchObject(refused)
    expect(await broker.refresh(ME, { rejectedSha256: 'a'.repeat(64) })).toMatchObject(
      tokenOf('at-1'),
    )
    expect(world.requests).toEqual([])
  })

  it('refuses a logout, a sign-in and a secret before anything is sent', async () => {
    const world = await signedIn()
    const { broker } = world
    world.newer.add(ME)
    await expect(broker.logout(ME)).rejects.toMatchObject(refused)
    const start = broker.signIns.start(ME, { method: 'browser', switchUser: false })
    await expect(start).rejects.toMatchObject(refused)
    await expect(broker.putClientSecret(ME, new Secret('s'))).rejects.toMatchObject(refused)
    expect(world.revoked).toEqual([])
  })

  it('ends a sign-in that was pending before its code is redeemed', async () => {
    const world = await signedIn()
    const { id } = await world.broker.signIns.start(ME, { method: 'browser', switchUser: false })
    world.newer.add(ME)
    const url = new URL(`${world.redirects[0]?.redirectUri ?? ''}?code=c&state=state-1`)
    await world.redirects[0]?.onCallback(url)
    expect(world.requests).toEqual([])
    expect(await world.broker.signIns.wait(ME, id, 0)).toMatchObject({
      status: 'failed',
      error: 'record_newer',
    })
  })

  it('takes over what can be read then, also where it is of the generation that it knows', async () => {
    const world = await signedIn()
    world.newer.add(ME)
    world.pass(51 * MINUTE)
    await world.beat()
    const record = world.records.get(ME)
    if (!record?.tokens) throw new Error('no tokens')
    const tokens = { ...record.tokens, refreshToken: new Secret('rt-of-later') }
    world.records.set(ME, { ...record, tokens })
    world.newer.delete(ME)
    world.answers.push(granted())
    await world.beat()
    await world.beat()
    expect(world.requests).toEqual(['refresh rt-of-later'])
  })

  it('keeps an answer that comes too late in memory, and stores it when it can', async () => {
    const world = await signedIn()
    world.answers.push(() => {
      world.newer.add(ME)
      return granted()
    })
    world.pass(51 * MINUTE)
    await world.beat()
    expect(world.broker.token(ME, NOW_ONLY)).toMatchObject(tokenOf('at-2'))
    expect(world.records.get(ME)?.generation).toBe(1)
    expect(world.broker.readiness(ME)).toEqual({ ready: false, reason: 'record_newer' })
    world.newer.delete(ME)
    await world.beat()
    expect(world.records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-2')
    expect(world.broker.readiness(ME)).toEqual({ ready: true, reason: null })
  })

  it('does not believe a rejection, for the record may hold what the server would take', async () => {
    const world = await signedIn()
    world.answers.push(() => {
      world.newer.add(ME)
      return INVALID_GRANT
    })
    world.pass(51 * MINUTE)
    await world.beat()
    expect(world.broker.status(ME)).toMatchObject({
      session: 'retrying',
      lastError: { code: 'record_newer' },
    })
    expect(world.attempts.size).toBe(0)
    world.newer.delete(ME)
    world.answers.push(granted())
    await world.beat()
    await world.beat()
    expect(world.broker.token(ME, NOW_ONLY)).toMatchObject(tokenOf('at-2'))
  })

  it('does not keep a secret that it could neither prove nor store', async () => {
    const world = createWorld({ apps: [serviceApp()] })
    await world.broker.open()
    world.answers.push(() => {
      world.newer.add(PIPELINE)
      return unavailable()
    })
    await expect(world.broker.putClientSecret(PIPELINE, new Secret('s'))).rejects.toMatchObject(
      refused,
    )
    world.newer.delete(PIPELINE)
    world.pass(10 * MINUTE)
    await world.beat()
    await world.beat()
    expect(world.requests).toEqual(['issue s'])
    expect(world.records.size).toBe(0)
  })

  it('keeps the record as it was when a secret meets it', async () => {
    const world = createWorld({ apps: [serviceApp()] })
    await world.broker.open()
    world.answers.push(() => {
      world.newer.add(PIPELINE)
      return granted({ accessToken: new Secret('at-1') })
    })
    await expect(world.broker.putClientSecret(PIPELINE, new Secret('s'))).rejects.toMatchObject(
      refused,
    )
    expect(world.records.size).toBe(0)
  })
})

it('ends a session without what a later version keeps for the app beside it', async () => {
  const unknownMembers = new Secret('{"privateKey":"of a later version"}')
  for (const type of ['web', 'native'] as const) {
    const world = await signedIn({
      app: app({ type, tokenEndpointAuthMethod: 'none' }),
      record: { unknownMembers },
    })
    await world.broker.logout(ME)
    const kept = world.records.get(ME)
    // Nothing of a native app outlives its session.
    expect(kept?.unknownMembers).toBe(type === 'web' ? unknownMembers : undefined)
    expect(kept?.tokens).toBeUndefined()
  }
})
