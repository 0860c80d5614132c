import { describe, expect, it } from 'vitest'
import type { GrantOutcome } from '../../src/core/authorization-server.ts'
import { Secret } from '../../src/secret.ts'
import { toStored } from '../../src/core/stored-tokens.ts'
import {
  app,
  grant,
  HOUR,
  MINUTE,
  NOW,
  SECOND,
  serviceApp,
  tokenOf,
  tokenSet,
} from '../support/builders.ts'
import {
  createWorld,
  granted,
  INVALID_CLIENT,
  INVALID_GRANT,
  signedIn,
  settle,
  unavailable,
} from '../support/broker-world.ts'

const ME = 'evo-me'

describe('a bug in what follows a request', () => {
  it('does not keep a stop, or a change by the owner, from going on', async () => {
    const world = await signedIn()
    world.vault.records.release = () => Promise.reject(new Error('a bug'))
    world.answers.push(unavailable())
    world.pass(HOUR)
    await world.beat()
    expect(world.requests).toHaveLength(1)
    await world.broker.logout(ME)
    await world.broker.stop()
  })
})

describe('renewal of a user app', () => {
  it('asks the server for nothing while the token is fresh', async () => {
    const { broker, beat, requests } = await signedIn()
    await beat()
    expect(requests).toEqual([])
    expect(broker.status(ME)).toMatchObject({ session: 'active', freshness: 'fresh' })
  })

  it('reserves room, sends, stores and only then serves the new token', async () => {
    const { answers, beat, broker, pass, records, steps } = await signedIn()
    answers.push(granted())
    pass(51 * MINUTE)
    await beat()
    expect(steps).toEqual(['reserve', 'send', 'store'])
    expect(records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-2')
    expect(await broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-2'))
  })

  it('spends the rotated refresh token the next time', async () => {
    const { answers, beat, pass, requests } = await signedIn()
    answers.push(granted(), granted({ refreshToken: new Secret('rt-3') }))
    pass(51 * MINUTE)
    await beat()
    pass(51 * MINUTE)
    await beat()
    expect(requests).toEqual(['refresh rt-1', 'refresh rt-2'])
  })

  it('keeps the refresh token of a server that does not rotate', async () => {
    const { answers, beat, pass, records } = await signedIn()
    const { refreshToken, ...rest } = grant()
    answers.push({ kind: 'granted', grant: rest, received: NOW })
    pass(51 * MINUTE)
    await beat()
    expect(records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-1')
  })

  it('sends nothing while the disk refuses, serves the good token, and goes on by itself', async () => {
    const { answers, beat, broker, disk, pass, requests } = await signedIn()
    disk.refuses = true
    pass(51 * MINUTE)
    await beat()
    expect(requests).toEqual([])
    expect(await broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-1'))
    expect(broker.readiness(ME)).toEqual({ ready: false, reason: 'vault_unwritable' })
    disk.refuses = false
    answers.push(granted())
    pass(10 * SECOND)
    await beat()
    expect(broker.readiness(ME)).toEqual({ ready: true, reason: null })
    expect(broker.status(ME)).toMatchObject({ session: 'active', lastError: null })
  })

  it('serves from memory what the disk refused after the answer, and stores it later', async () => {
    const { answers, beat, broker, disk, pass, records } = await signedIn()
    answers.push(() => {
      disk.refuses = true
      return granted()
    })
    pass(51 * MINUTE)
    await beat()
    expect(await broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-2'))
    expect(broker.readiness(ME)).toEqual({ ready: false, reason: 'vault_unwritable' })
    expect(records.get(ME)?.generation).toBe(1)
    disk.refuses = false
    await beat()
    expect(records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-2')
    expect(broker.readiness(ME)).toEqual({ ready: true, reason: null })
  })

  it('discards and revokes an answer when the record changed meanwhile, and adopts the other', async () => {
    const { answers, beat, broker, pass, records, revoked } = await signedIn()
    const other = records.get(ME)
    if (!other?.tokens) throw new Error('no record')
    const theirs = {
      ...other.tokens,
      accessToken: new Secret('at-9'),
      refreshToken: new Secret('rt-9'),
    }
    answers.push(() => {
      records.set(ME, { ...other, generation: 7, tokens: theirs })
      return granted()
    })
    pass(51 * MINUTE)
    await beat()
    expect(revoked).toEqual(['refresh_token rt-2'])
    expect(await broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-9'))
  })

  it('spends nothing of a record that another process replaced, and goes on with that', async () => {
    const { answers, beat, pass, records, requests } = await signedIn()
    const other = records.get(ME)
    if (!other?.tokens) throw new Error('no record')
    const refreshToken = new Secret('rt-9')
    records.set(ME, { ...other, generation: 5, tokens: { ...other.tokens, refreshToken } })
    answers.push(granted())
    pass(51 * MINUTE)
    await beat()
    await beat()
    expect(requests).toEqual(['refresh rt-9'])
  })

  it('adopts a newer record and tries it once before it believes a rejection', async () => {
    const { answers, beat, broker, pass, records, requests } = await signedIn()
    const other = records.get(ME)
    if (!other?.tokens) throw new Error('no record')
    const refreshToken = new Secret('rt-9')
    answers.push(() => {
      const tokens = other.tokens && { ...other.tokens, refreshToken }
      records.set(ME, { ...other, generation: 2, ...(tokens && { tokens }) })
      return INVALID_GRANT
    }, granted())
    pass(51 * MINUTE)
    await beat()
    expect(requests).toEqual(['refresh rt-1', 'refresh rt-9'])
    expect(broker.status(ME)).toMatchObject({ session: 'active' })
  })

  it('loses the session to invalid_grant, serves what is left, and says why after a restart', async () => {
    const { answers, beat, broker, pass, records } = await signedIn()
    answers.push(INVALID_GRANT)
    pass(51 * MINUTE)
    await beat()
    expect(await broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-1'))
    expect(broker.status(ME)).toMatchObject({
      session: 'signed-out',
      lastError: { code: 'invalid_grant' },
    })
    expect(records.get(ME)).toMatchObject({ generation: 2, lost: { code: 'invalid_grant' } })
    pass(HOUR)
    await expect(broker.token(ME, { waitMs: 0 })).rejects.toMatchObject({ code: 'login_required' })
  })

  it('tries a lost answer again at once, and calls the loss by its name', async () => {
    const { answers, beat, broker, pass, requests, attempts } = await signedIn()
    answers.push(unavailable({ answerLost: true }), unavailable())
    pass(51 * MINUTE)
    await beat()
    expect(requests).toEqual(['refresh rt-1', 'refresh rt-1'])
    expect(attempts.has(ME)).toBe(true)
    answers.push(INVALID_GRANT)
    pass(20 * SECOND)
    await beat()
    expect(broker.status(ME)).toMatchObject({ lastError: { code: 'answer_lost' } })
  })

  it('does not try again at once against a Retry-After', async () => {
    const { answers, beat, pass, requests } = await signedIn()
    answers.push(unavailable({ answerLost: true, retryAfterMs: 60_000 }))
    pass(51 * MINUTE)
    await beat()
    pass(59 * SECOND)
    await beat()
    expect(requests).toHaveLength(1)
  })

  it('tries the unanswered attempt of a process before this one at once', async () => {
    const world = await signedIn()
    world.attempts.add(ME)
    const { answers, beat, broker, registrationsOf, requests } = world
    await broker.reload([])
    await broker.reload(registrationsOf([app()]))
    answers.push(granted())
    await beat()
    expect(requests).toEqual(['refresh rt-1'])
  })

  it('stores a refresh token that came in a damaged answer before it tries again', async () => {
    const { answers, beat, broker, pass, records, requests } = await signedIn()
    answers.push({
      kind: 'salvaged',
      refreshToken: new Secret('rt-2'),
      failure: { code: 'no_access_token', message: 'no access token' },
    })
    pass(51 * MINUTE)
    await beat()
    expect(records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-2')
    expect(await broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-1'))
    answers.push(granted({ refreshToken: new Secret('rt-3') }))
    pass(10 * SECOND)
    await beat()
    expect(requests).toEqual(['refresh rt-1', 'refresh rt-2'])
  })

  it('stores the refresh token that came with a token of another type, and says what to mend', async () => {
    const { answers, beat, broker, pass, records, requests } = await signedIn()
    const refreshToken = new Secret('rt-2')
    const failure = { code: 'no_bearer_token', message: 'of the type "DPoP"' }
    answers.push({ kind: 'salvaged', refreshToken, failure, lasting: true }, granted())
    pass(51 * MINUTE)
    await beat()
    expect(records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-2')
    expect(broker.status(ME)).toMatchObject({ session: 'misconfigured', lastError: failure })
    expect(await broker.token(ME, { waitMs: 0 })).toMatchObject(tokenOf('at-1'))
    pass(5 * MINUTE)
    await beat()
    expect(requests).toEqual(['refresh rt-1', 'refresh rt-2'])
    expect(broker.status(ME)).toMatchObject({ session: 'active' })
  })

  it('keeps everything when the server refuses the app, and tries again after retryMax', async () => {
    const { answers, beat, broker, pass, requests, records } = await signedIn()
    answers.push(INVALID_CLIENT)
    pass(51 * MINUTE)
    await beat()
    expect(broker.status(ME)).toMatchObject({ session: 'misconfigured' })
    expect(records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-1')
    pass(5 * MINUTE - 1)
    await beat()
    expect(requests).toHaveLength(1)
    pass(1)
    await beat()
    expect(requests).toHaveLength(2)
  })

  it('ends a back-off on a wake, and on a network that comes back', async () => {
    const { beat, clock, network, pass, requests } = await signedIn()
    pass(51 * MINUTE)
    await beat()
    expect(requests).toHaveLength(1)
    await beat()
    expect(requests).toHaveLength(1)
    clock.now = { wall: clock.now.wall + 3 * SECOND, mono: clock.now.mono }
    await beat()
    expect(requests).toHaveLength(2)
    network.signature = ''
    await beat()
    network.signature = 'wlan'
    await beat()
    expect(requests).toHaveLength(3)
  })

  it('does not end the back-off of a request that failed after the wake, before any beat', async () => {
    const { beat, broker, clock, requests } = await signedIn()
    clock.now = { wall: clock.now.wall + HOUR, mono: clock.now.mono }
    await expect(broker.token(ME, { waitMs: 1_000 })).rejects.toMatchObject({ code: 'unavailable' })
    expect(requests).toHaveLength(1)
    await beat()
    expect(requests).toHaveLength(1)
  })

  it('serves nothing expired with the wall clock set back, and starts no storm', async () => {
    const { beat, broker, clock, requests } = await signedIn()
    clock.now = { wall: NOW.wall - HOUR, mono: NOW.mono + HOUR }
    await beat()
    await beat()
    expect(requests).toHaveLength(1)
    await expect(broker.token(ME, { waitMs: 0 })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('lets one that is under way finish and be stored when the daemon stops', async () => {
    const { answers, beat, broker, pass, records } = await signedIn()
    let answer: (outcome: GrantOutcome) => void = () => undefined
    answers.push(new Promise((resolve) => (answer = resolve)))
    pass(51 * MINUTE)
    await beat()
    const stopped = broker.stop()
    await settle()
    answer(granted())
    await stopped
    expect(records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-2')
  })
})

describe('a token without an end', () => {
  const endless = { tokens: toStored(tokenSet({ lifetimeMs: null })) }

  it('is served for ever, with no end and no next refresh', async () => {
    const { beat, broker, pass, requests } = await signedIn({ record: endless })
    pass(20 * 366 * 24 * HOUR)
    await beat()
    expect(await broker.token(ME, { waitMs: 0, minTtlMs: 365 * 24 * HOUR })).toMatchObject({
      ...tokenOf('at-1'),
      expiresAt: null,
      expiresInS: null,
    })
    expect(broker.status(ME)).toMatchObject({
      freshness: 'fresh',
      session: 'active',
      expiresAt: null,
      refreshAt: null,
    })
    expect(broker.readiness(ME)).toEqual({ ready: true, reason: null })
    expect(requests).toEqual([])
  })

  it('ends as the config says from a reload on, or a restart, where nothing else told its end', async () => {
    const tokens = toStored(tokenSet({ lifetimeMs: null, lifetimeAssumed: true }))
    const { broker, pass, registrationsOf } = await signedIn({
      app: app({ accessTokenLifetimeMs: null }),
      record: { tokens },
    })
    pass(HOUR)
    expect(broker.status(ME)).toMatchObject({ freshness: 'fresh', expiresAt: null })
    await broker.reload(registrationsOf([app({ accessTokenLifetimeMs: 2 * HOUR })]))
    expect(broker.status(ME)).toMatchObject({ expiresAt: NOW.wall + 2 * HOUR })
    const restarted = await signedIn({ record: { tokens } })
    expect(restarted.broker.status(ME)).toMatchObject({ expiresAt: NOW.wall + 5 * MINUTE })
  })

  it('is replaced when it is reported as rejected', async () => {
    const { answers, broker, records } = await signedIn({ record: endless })
    answers.push(granted({ lifetimeMs: null }))
    const { sha256 } = new Secret('at-1')
    expect(await broker.refresh(ME, { rejectedSha256: sha256 })).toMatchObject(tokenOf('at-2'))
    expect(records.get(ME)?.tokens?.lifetimeMs).toBeNull()
    expect(broker.status(ME)).toMatchObject({ freshness: 'fresh' })
  })

  it('is stale, and served all the same, where it is refused and nothing brings another', async () => {
    const { refreshToken, ...tokens } = endless.tokens
    const { broker, changes, requests } = await signedIn({ record: { tokens } })
    const { sha256 } = new Secret('at-1')
    for (const rejectedSha256 of ['0'.repeat(64), sha256]) {
      expect(await broker.refresh(ME, { rejectedSha256 })).toMatchObject(tokenOf('at-1'))
      const freshness = rejectedSha256 === sha256 ? 'stale' : 'fresh'
      expect(broker.status(ME)).toMatchObject({ session: 'active', freshness })
    }
    expect(changes.at(-1)).toBe(ME)
    expect(broker.readiness(ME)).toMatchObject({ ready: true })
    expect(requests).toEqual([])
  })

  it('is renewed where it has rested for as long as the config lets it', async () => {
    const refresh = { ...app().refresh, atLeastMs: 24 * HOUR }
    const { answers, beat, broker, pass, requests } = await signedIn({
      app: app({ refresh }),
      record: endless,
    })
    expect(broker.status(ME).refreshAt).toBe(NOW.wall + 24 * HOUR)
    answers.push(granted({ lifetimeMs: null }))
    pass(24 * HOUR - 1)
    await beat()
    expect(requests).toEqual([])
    pass(1)
    await beat()
    expect(requests).toEqual(['refresh rt-1'])
    expect(broker.status(ME).refreshAt).toBe(NOW.wall + 48 * HOUR)
  })
})

describe('a daemon that stops', () => {
  it('begins no request that was still waiting for its turn', async () => {
    const { beat, broker, pass, requests, turns } = await signedIn()
    let begin: () => void = () => undefined
    turns.next = new Promise((resolve) => {
      begin = resolve
    })
    pass(51 * MINUTE)
    await beat()
    const stopped = broker.stop()
    begin()
    await stopped
    expect(requests).toEqual([])
  })
})

describe('renewal of a service app', () => {
  const PIPELINE = 'evo-pipeline'
  const clientSecret = new Secret('secret-1')

  async function service(reissue?: string) {
    const app = serviceApp(reissue === undefined ? {} : { reissue })
    const world = createWorld({ apps: [app] })
    world.records.set(PIPELINE, {
      generation: 1,
      identity: { issuer: app.issuer, tokenEndpoint: null, clientId: app.clientId, type: app.type },
      clientSecret,
    })
    await world.broker.open()
    return world
  }
  const token = (name: string, lifetimeMs = HOUR): GrantOutcome => ({
    kind: 'granted',
    grant: { accessToken: new Secret(name), lifetimeMs },
    received: NOW,
  })

  it('gets its first token by itself and the next before that expires', async () => {
    const { answers, beat, broker, pass, requests } = await service()
    answers.push(token('at-1'), token('at-2'))
    await beat()
    pass(51 * MINUTE)
    await beat()
    expect(requests).toEqual(['issue secret-1', 'issue secret-1'])
    expect(await broker.token(PIPELINE, { waitMs: 0 })).toMatchObject(tokenOf('at-2'))
  })

  it('gets another one at the instant of its cron line, once', async () => {
    const { answers, beat, pass, requests } = await service('*/30 * * * *')
    answers.push(token('at-1', 12 * HOUR), token('at-2', 12 * HOUR))
    await beat()
    pass(30 * MINUTE - 1)
    await beat()
    expect(requests).toHaveLength(1)
    pass(1)
    await beat()
    await beat()
    expect(requests).toHaveLength(2)
  })

  it('keeps to its cron line when the wall clock was set back an hour', async () => {
    const { answers, beat, clock, pass, requests } = await service('*/30 * * * *')
    answers.push(token('at-1', 12 * HOUR), token('at-2', 12 * HOUR))
    await beat()
    clock.now = { wall: clock.now.wall - HOUR, mono: clock.now.mono }
    await beat()
    pass(30 * MINUTE)
    await beat()
    expect(requests).toHaveLength(2)
  })

  it('goes on although the disk refuses: it spends nothing', async () => {
    const { answers, beat, broker, disk } = await service()
    disk.refuses = true
    answers.push(token('at-1'))
    await beat()
    expect(await broker.token(PIPELINE, { waitMs: 0 })).toMatchObject(tokenOf('at-1'))
  })

  it('says that its client secret is missing, and is well as soon as one is proven', async () => {
    const { broker, answers, beat, records, requests } = await service()
    records.delete(PIPELINE)
    await broker.logout(PIPELINE)
    expect(broker.status(PIPELINE)).toMatchObject({ session: 'signed-out' })
    answers.push(INVALID_CLIENT)
    await expect(broker.putClientSecret(PIPELINE, new Secret('wrong'))).rejects.toMatchObject({
      code: 'misconfigured',
    })
    expect(records.has(PIPELINE)).toBe(false)
    answers.push(token('at-1'))
    expect(await broker.putClientSecret(PIPELINE, new Secret('right'))).toEqual({ proven: true })
    expect(records.get(PIPELINE)?.clientSecret?.expose()).toBe('right')
    await beat()
    expect(requests).toEqual(['issue wrong', 'issue right'])
  })

  it('keeps a secret that cannot be proven beside the old one until a grant proves it', async () => {
    const { answers, beat, broker, pass, records, requests } = await service()
    answers.push(token('at-1'))
    await beat()
    answers.push(unavailable())
    expect(await broker.putClientSecret(PIPELINE, new Secret('new'))).toEqual({ proven: false })
    answers.push(token('at-2'))
    pass(51 * MINUTE)
    await beat()
    expect(requests.at(-1)).toBe('issue new')
    expect(records.get(PIPELINE)?.clientSecret?.expose()).toBe('new')
    expect(records.get(PIPELINE)?.nextClientSecret).toBeUndefined()
  })

  it('falls back to the old secret when the unproven one is refused, and forgets that', async () => {
    const { answers, beat, broker, pass, records } = await service()
    answers.push(unavailable())
    await broker.putClientSecret(PIPELINE, new Secret('typo'))
    answers.push(INVALID_CLIENT, token('at-2'))
    pass(51 * MINUTE)
    await beat()
    expect(records.get(PIPELINE)?.clientSecret?.expose()).toBe('secret-1')
    expect(records.get(PIPELINE)?.nextClientSecret).toBeUndefined()
  })

  it('is misconfigured without a client secret, without asking the server', async () => {
    const world = createWorld({ apps: [serviceApp()] })
    await world.broker.open()
    await world.beat()
    expect(world.requests).toEqual([])
    await expect(world.broker.token(PIPELINE, { waitMs: 0 })).rejects.toMatchObject({
      code: 'misconfigured',
      hint: expect.stringContaining('evo-token secret evo-pipeline') as string,
    })
  })
})

it('counts what came of renewals and sign-ins', async () => {
  const { answers, broker, beat, pass } = await signedIn()
  answers.push(granted(), unavailable(), INVALID_GRANT)
  for (let renewal = 0; renewal < 3; renewal++) {
    pass(HOUR)
    await beat()
  }
  expect(broker.renewals('evo-me')).toEqual({
    granted: 1,
    rejected: 1,
    misconfigured: 0,
    unavailable: 1,
  })
})
