import { describe, expect, it } from 'vitest'
import type { GrantOutcome } from '../../src/core/authorization-server.ts'
import { toStored } from '../../src/core/stored-tokens.ts'
import { SidecarError } from '../../src/errors.ts'
import { Secret, sha256Hex } from '../../src/secret.ts'
import {
  app,
  HOUR,
  later,
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
  INVALID_GRANT,
  settle,
  signedIn,
  unavailable,
} from '../support/broker-world.ts'

const ME = 'evo-me'
const NOW_ONLY = { waitMs: 0 }

/** An answer that comes when the test says so. */
function pendingAnswer() {
  let give: (outcome: GrantOutcome) => void = () => undefined
  const answer = new Promise<GrantOutcome>((resolve) => {
    give = resolve
  })
  return {
    answer,
    give: (outcome: GrantOutcome) => {
      give(outcome)
    },
  }
}

describe('a token', () => {
  it('is served at once, with its end and the whole seconds left', async () => {
    const { broker, pass } = await signedIn()
    pass(MINUTE + 1)
    expect(broker.token(ME, NOW_ONLY)).toEqual({
      accessToken: new Secret('at-1'),
      expiresAt: NOW.wall + HOUR,
      expiresInS: 59 * 60 - 1,
      scope: 'evo.discovery evo.workspace',
      fingerprint: sha256Hex('at-1').slice(0, 8),
    })
  })

  it('is served while it is stale, and renewed behind the answer', async () => {
    const { answers, broker, pass } = await signedIn()
    answers.push(granted())
    pass(51 * MINUTE)
    expect(broker.token(ME, NOW_ONLY)).toMatchObject(tokenOf('at-1'))
    await settle()
    expect(broker.token(ME, NOW_ONLY)).toMatchObject(tokenOf('at-2'))
  })

  it('is asked for once when a thousand callers arrive at its end, and all get the new one', async () => {
    const { answers, broker, pass, requests } = await signedIn()
    answers.push(granted())
    pass(HOUR)
    const served = await Promise.all(
      Array.from({ length: 1_000 }, async () => broker.token(ME, { waitMs: 10_000 })),
    )
    expect(new Set(served.map(({ accessToken }) => accessToken.expose()))).toEqual(
      new Set(['at-2']),
    )
    expect(requests).toEqual(['refresh rt-1'])
  })

  it('is waited for as long as the caller says, while the refresh goes on', async () => {
    const { answers, broker, pass, sleeping } = await signedIn()
    const { answer, give } = pendingAnswer()
    answers.push(answer)
    pass(HOUR)
    const asked = Promise.resolve(broker.token(ME, { waitMs: 7_000 }))
    await settle()
    expect(sleeping.map(({ ms }) => ms)).toEqual([7_000])
    sleeping[0]?.wake()
    await expect(asked).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 })
    give(granted())
    await settle()
    expect(broker.token(ME, NOW_ONLY)).toMatchObject(tokenOf('at-2'))
  })

  it('is refused at once while a back-off runs, and says when it ends', async () => {
    const { answers, beat, broker, pass, requests } = await signedIn()
    answers.push(unavailable({ retryAfterMs: 60_000 }))
    pass(HOUR)
    await beat()
    pass(20 * SECOND)
    await expect(broker.token(ME, { waitMs: 10_000 })).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterMs: 40_000,
    })
    expect(requests).toHaveLength(1)
  })

  it('is refused with login_required where no person has signed in', async () => {
    const { broker } = createWorld()
    await broker.open()
    await expect(broker.token(ME, NOW_ONLY)).rejects.toMatchObject({
      code: 'login_required',
      hint: expect.stringContaining('evo-token login evo-me') as string,
    })
  })

  it("tells callers our words only, never the authorization server's", async () => {
    const { answers, beat, broker, pass } = await signedIn()
    answers.push(INVALID_GRANT)
    pass(HOUR)
    await beat()
    await expect(broker.token(ME, NOW_ONLY)).rejects.not.toMatchObject({
      message: expect.stringContaining('refresh token is not valid') as string,
    })
  })

  it('is not served from a vault that is locked, and is once that opens', async () => {
    const { beat, broker, door, pass } = createWorld({ locked: true })
    await broker.open()
    expect(() => broker.token(ME, NOW_ONLY)).toThrow(
      expect.objectContaining({
        code: 'vault_locked',
        // Why is for the owner: it may name places of this machine.
        message: 'The vault is locked.',
        ownerWords: { message: 'locked', hint: 'unlock it' },
      }) as Error,
    )
    expect(broker.readiness(ME)).toEqual({ ready: false, reason: 'vault_locked' })
    expect(broker.status(ME)).toMatchObject({ lastError: { code: 'vault_locked' } })
    door.locked = false
    await beat()
    expect(broker.readiness(ME)).toMatchObject({ reason: 'vault_locked' })
    pass(5 * SECOND)
    await beat()
    expect(broker.readiness(ME)).toEqual({ ready: false, reason: 'login_required' })
  })

  it('is served after a record could not be read for a while, which is told once and tried less and less often', async () => {
    const OTHER = 'other'
    const apps = [app(), app({ name: OTHER, clientId: 'native-other' })]
    const { beat, broker, log, pass, vault } = createWorld({ apps })
    const load = vault.records.load.bind(vault.records)
    let reads = 0
    vault.records.load = (entry) => {
      if (entry.app === OTHER) return load(entry)
      reads += 1
      return Promise.reject(new SidecarError('unavailable', 'Too many files are open.'))
    }
    await broker.open()
    for (let beats = 0; beats < 24; beats++) {
      pass(5 * SECOND)
      await beat()
    }
    // At the start, and after 5, 15, 35 and 75 s of two minutes.
    expect(reads).toBe(5)
    const told = log.lines.filter(({ message }) => message.startsWith('Too many files are open.'))
    expect(told).toHaveLength(1)
    expect(broker.readiness(ME)).toEqual({ ready: false, reason: 'record_unread' })
    expect(broker.status(ME)).toMatchObject({ failures: 5, session: 'retrying' })
    expect(() => broker.token(ME, NOW_ONLY)).toThrow(
      expect.objectContaining({ code: 'unavailable' }) as Error,
    )
    // It costs no other app anything.
    expect(broker.readiness(OTHER)).toEqual({ ready: false, reason: 'login_required' })
    vault.records.load = load
    pass(60 * SECOND)
    await beat()
    expect(broker.readiness(ME)).toEqual({ ready: false, reason: 'login_required' })
    expect(log.lines.at(-1)?.message).toMatch(/^the record can be read again/)
  })

  it('of an app that is not configured is refused as unknown', async () => {
    const { broker } = createWorld()
    await broker.open()
    expect(() => broker.token('__proto__', NOW_ONLY)).toThrow(
      expect.objectContaining({ code: 'unknown_app' }) as Error,
    )
  })
})

describe('min_ttl', () => {
  it('refreshes a token that does not have that much life left', async () => {
    const { answers, broker, pass } = await signedIn()
    answers.push(granted())
    pass(30 * MINUTE)
    const ask = { minTtlMs: 31 * MINUTE, waitMs: 10_000 }
    expect(await broker.token(ME, ask)).toMatchObject(tokenOf('at-2'))
  })

  it('asks for nothing where the token has that much', async () => {
    const { broker, requests } = await signedIn()
    expect(broker.token(ME, { minTtlMs: HOUR, waitMs: 0 })).toMatchObject(tokenOf('at-1'))
    expect(requests).toEqual([])
  })

  it('is met by a token just refreshed where none lives that long', async () => {
    const { answers, broker, requests } = await signedIn()
    answers.push(granted())
    const ask = { minTtlMs: 2 * HOUR, waitMs: 10_000 }
    expect(await broker.token(ME, ask)).toMatchObject(tokenOf('at-2'))
    expect(await broker.token(ME, ask)).toMatchObject(tokenOf('at-2'))
    expect(requests).toHaveLength(1)
  })

  it('does not ask against a back-off', async () => {
    const { answers, beat, broker, pass, requests } = await signedIn()
    answers.push(unavailable({ retryAfterMs: 60_000 }))
    pass(51 * MINUTE)
    await beat()
    const ask = { minTtlMs: HOUR, waitMs: 10_000 }
    expect(await broker.token(ME, ask)).toMatchObject(tokenOf('at-1'))
    expect(requests).toHaveLength(1)
  })
})

describe('refresh', () => {
  it('brings a new token, once for fifty that report the same rejected one', async () => {
    const { answers, broker, requests } = await signedIn()
    answers.push(granted())
    const rejectedSha256 = sha256Hex('at-1')
    const served = await Promise.all(
      Array.from({ length: 50 }, async () => broker.refresh(ME, { rejectedSha256 })),
    )
    expect(new Set(served.map(({ accessToken }) => accessToken.expose()))).toEqual(
      new Set(['at-2']),
    )
    expect(await broker.refresh(ME, { rejectedSha256 })).toMatchObject(tokenOf('at-2'))
    expect(requests).toHaveLength(1)
  })

  it('is let through once in ten seconds, however often it is forced', async () => {
    const { answers, broker, pass, requests } = await signedIn()
    answers.push(granted(), granted({ accessToken: new Secret('at-3') }))
    for (let time = 0; time < 50; time++) {
      await broker.refresh(ME, {})
      pass(199)
    }
    expect(requests).toHaveLength(1)
    pass(SECOND)
    expect(await broker.refresh(ME, {})).toMatchObject(tokenOf('at-3'))
  })

  it('waits longer and longer while fresh tokens keep being rejected', async () => {
    const { answers, broker, pass, requests } = await signedIn()
    answers.push(...['at-2', 'at-3'].map((name) => granted({ accessToken: new Secret(name) })))
    await broker.refresh(ME, { rejectedSha256: sha256Hex('at-1') })
    pass(10 * SECOND)
    await broker.refresh(ME, { rejectedSha256: sha256Hex('at-2') })
    pass(10 * SECOND)
    await broker.refresh(ME, { rejectedSha256: sha256Hex('at-3') })
    expect(requests).toHaveLength(2)
    pass(10 * SECOND)
    await broker.refresh(ME, { rejectedSha256: sha256Hex('at-3') })
    expect(requests).toHaveLength(3)
  })

  it('answers with the token that is still good where it failed', async () => {
    const { broker, requests } = await signedIn()
    expect(await broker.refresh(ME, {})).toMatchObject(tokenOf('at-1'))
    expect(await broker.refresh(ME, {})).toMatchObject(tokenOf('at-1'))
    expect(requests).toHaveLength(1)
  })

  it('of a token that nothing can renew is refused, with the way to another', async () => {
    const { refreshToken, ...rest } = tokenSet()
    const { broker } = await signedIn({ record: { tokens: toStored(rest) } })
    await expect(broker.refresh(ME, { now: true })).rejects.toMatchObject({
      code: 'login_required',
      message: '"evo-me" cannot get another token: there is no refresh token for it.',
      hint: 'Sign in: `evo-token login evo-me`.',
    })
  })

  it('of a session that has ended says so, though its token is still good', async () => {
    const { answers, beat, broker, pass } = await signedIn()
    answers.push(INVALID_GRANT)
    pass(51 * MINUTE)
    await beat()
    expect(broker.token(ME, NOW_ONLY)).toMatchObject(tokenOf('at-1'))
    await expect(broker.refresh(ME, { now: true })).rejects.toMatchObject({
      code: 'login_required',
      message:
        'The authorization server has ended the sign-in to "evo-me". Its token is still good.',
    })
  })

  it('brings a service app back that was signed out and has no secret', async () => {
    const app = serviceApp({ name: ME, tokenEndpointAuthMethod: 'none' })
    const { answers, broker } = await signedIn({ app })
    await broker.logout(ME)
    await expect(broker.token(ME, NOW_ONLY)).rejects.toMatchObject({
      code: 'misconfigured',
      hint: 'Get a token again: `evo-token refresh evo-me`.',
    })
    answers.push(granted())
    expect(await broker.refresh(ME, { now: true })).toMatchObject(tokenOf('at-2'))
  })
})

describe('changes that meet', () => {
  it('a logout during a refresh waits for it, revokes the newest token and forgets', async () => {
    const { answers, beat, broker, pass, records, revoked } = await signedIn()
    const { answer, give } = pendingAnswer()
    answers.push(answer)
    pass(51 * MINUTE)
    await beat()
    const out = broker.logout(ME)
    give(granted())
    expect(await out).toEqual({ revoked: true })
    expect(revoked).toEqual(['refresh_token rt-2'])
    expect(records.has(ME)).toBe(false)
    expect(broker.status(ME)).toMatchObject({ session: 'signed-out', freshness: 'none' })
  })

  it('a refresh asked for after a logout does not happen', async () => {
    const { broker, pass, requests } = await signedIn()
    pass(HOUR)
    const out = broker.logout(ME)
    const asked = Promise.resolve(broker.token(ME, { waitMs: 10_000 }))
    await out
    await expect(asked).rejects.toMatchObject({ code: 'login_required' })
    expect(requests).toEqual([])
  })

  it('a reload that removes an app lets its refresh finish, and keeps its record', async () => {
    const { answers, beat, broker, pass, records } = await signedIn()
    const { answer, give } = pendingAnswer()
    answers.push(answer)
    pass(51 * MINUTE)
    await beat()
    expect(broker.hasApp(ME)).toBe(true)
    const reloaded = broker.reload([])
    give(granted())
    expect(await reloaded).toMatchObject({ removed: [ME] })
    expect(records.get(ME)?.tokens?.refreshToken?.expose()).toBe('rt-2')
    expect(broker.appNames()).toEqual([])
    expect(broker.hasApp(ME)).toBe(false)
  })

  it('a reload that changes the client id never sends the old record anywhere', async () => {
    const { beat, broker, pass, registrationsOf, requests } = await signedIn()
    pass(HOUR)
    await broker.reload(registrationsOf([app({ clientId: 'native-2' })]))
    await beat()
    expect(requests).toEqual([])
    expect(broker.status(ME)).toMatchObject({ session: 'signed-out' })
  })

  it('a reload with new scopes keeps the session and says that a sign-in is needed for them', async () => {
    const { broker, registrationsOf } = await signedIn()
    const scopes = [...app().scopes, 'evo.object']
    await broker.reload(registrationsOf([app({ scopes })]))
    expect(broker.status(ME)).toMatchObject({
      session: 'active',
      lastError: {
        code: 'scope_changed',
        message: expect.stringContaining('evo.object') as string,
      },
    })
  })

  it('a reload ends the waiting of an app that it changed', async () => {
    const { answers, beat, broker, pass, registrationsOf, requests } = await signedIn()
    answers.push({ kind: 'misconfigured', failure: { code: 'invalid_client', message: '' } })
    pass(51 * MINUTE)
    await beat()
    await broker.reload(registrationsOf([app({ tokenEndpointAuthMethod: 'client_secret_post' })]))
    await beat()
    expect(requests).toHaveLength(2)
  })
})

describe('what is told', () => {
  it('names the secrets that we hold by their digests, and no others', async () => {
    const { broker } = await signedIn()
    const ours = [sha256Hex('at-1'), sha256Hex('rt-1')]
    expect(broker.holds([...ours, sha256Hex('another')])).toEqual(ours)
  })

  it('has the whole status of an app', async () => {
    const { broker, clock } = await signedIn()
    clock.now = later(MINUTE)
    expect(broker.status(ME)).toEqual({
      app: ME,
      type: 'native',
      session: 'active',
      freshness: 'fresh',
      expiresAt: NOW.wall + HOUR,
      refreshAt: NOW.wall + 50 * MINUTE,
      refreshedAt: NOW.wall,
      retryAt: null,
      failures: 0,
      scope: 'evo.discovery evo.workspace',
      fingerprint: sha256Hex('at-1').slice(0, 8),
      home: null,
      lastError: null,
      problems: [],
      sessionExpiresAt: null,
      sessionExpiresSoon: false,
      subject: 'ada@example.org',
    })
  })

  it('has no secret in any line of the log', async () => {
    const { answers, beat, broker, log, pass } = await signedIn()
    answers.push(granted(), INVALID_GRANT)
    pass(51 * MINUTE)
    await beat()
    pass(51 * MINUTE)
    await beat()
    await broker.logout(ME)
    const text = log.lines.map(({ message }) => message).join('\n')
    expect(text).not.toMatch(/at-[12]|rt-[12]/)
    expect(log.lines.length).toBeGreaterThan(3)
  })
})

describe('a stop', () => {
  it('lets no config be read into the broker any more', async () => {
    const world = await signedIn()
    await world.broker.stop()
    const next = world.registrationsOf([app({ name: 'evo-new' })])
    await expect(world.broker.reload(next)).rejects.toMatchObject({ code: 'stopping' })
    expect(world.broker.appNames()).toEqual([ME])
  })
})
