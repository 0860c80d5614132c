/** The copy of a record between two keepers whose clocks, and the database's, are not the same. */
import { describe, expect, it } from 'vitest'
import { copyRecord, recordOfCopy } from '../../../src/broker/sharing/seal-record.ts'
import { restore, toStored } from '../../../src/core/stored-tokens.ts'
import { ageMs, receive, type TokenSet } from '../../../src/core/token.ts'
import type { AppRecord } from '../../../src/core/vault.ts'
import { Secret } from '../../../src/secret.ts'

const NOON = Date.UTC(2026, 0, 1, 12)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const LIFETIME = 30 * MINUTE

/** So many minutes after noon, by a clock that is `offset` ahead. */
const reading = (offset: number, minutes: number) => ({
  wall: NOON + offset + minutes * MINUTE,
  mono: minutes * MINUTE,
})

/** What the database says then to who has this clock. */
const answer = (offset: number, minutes: number) => {
  const at = reading(offset, minutes)
  const now = NOON + minutes * MINUTE
  return { value: undefined, now, sent: at, received: at, incarnation: 'first' }
}

const tokensOf = (offset: number): TokenSet =>
  receive({ accessToken: new Secret('token'), lifetimeMs: LIFETIME }, reading(offset, 0), 0)

const recordOf = (tokens: TokenSet, more: Partial<AppRecord> = {}): AppRecord => ({
  generation: 1,
  identity: { issuer: 'https://as.example', tokenEndpoint: null, clientId: 'me', type: 'native' },
  tokens: toStored(tokens),
  ...more,
})

describe.each([
  ['an hour ahead', HOUR],
  ['an hour behind', -HOUR],
  ['the same', 0],
])('the copy of a keeper whose clock is %s', (_, offset) => {
  const tokens = tokensOf(offset)
  const life = {
    signedInAt: tokens.received.wall,
    refreshTokenExpiresAt: tokens.received.wall + 24 * HOUR,
    refreshTokenStatedAt: tokens.received.wall,
    refreshTokenLifetimeAt: tokens.received.wall,
  }
  const record = recordOf(tokens, life)

  it('ends when the token ends, by the database', () => {
    const { access } = copyRecord(record, tokens, answer(offset, 10))
    expect(access).toMatchObject({ endsAt: NOON + LIFETIME })
  })

  it.each([HOUR, 0, -HOUR])('keeps its age at one that is %i ms ahead', (other) => {
    const copy = copyRecord(record, tokens, answer(offset, 10))
    const { tokens: stored, ...taken } = recordOfCopy(copy.record, answer(other, 20))
    if (!stored) throw new Error('There are no tokens.')
    const restored = restore(stored, reading(other, 25))
    expect(restored.fromFuture).toBeUndefined()
    expect(ageMs(restored, reading(other, 25))).toBe(25 * MINUTE)
    expect(taken).toMatchObject({
      signedInAt: NOON + other,
      refreshTokenExpiresAt: NOON + other + 24 * HOUR,
      refreshTokenStatedAt: NOON + other,
      refreshTokenLifetimeAt: NOON + other,
    })
  })
})

describe('the copy of a token', () => {
  it('that was stored after the database answered last ends no later than it does', () => {
    const record = recordOf(receive(tokensOf(0), reading(0, 1), 0))
    const { access } = copyRecord(record, undefined, answer(0, 0))
    expect(access).toMatchObject({ endsAt: NOON + LIFETIME })
  })

  it('keeps its age where the clock of its keeper was set back since', () => {
    const tokens = tokensOf(HOUR)
    const setBack = { ...answer(0, 10), received: reading(0, 10) }
    const { access } = copyRecord(recordOf(tokens), tokens, setBack)
    expect(access).toMatchObject({ endsAt: NOON + LIFETIME })
  })

  it('has ended where its age is not known', () => {
    const tokens: TokenSet = { ...tokensOf(0), fromFuture: true }
    const { access, record } = copyRecord(recordOf(tokens), tokens, answer(0, 10))
    expect(access).toMatchObject({ endsAt: NOON + 10 * MINUTE })
    expect(record.tokens).toMatchObject({ receivedAt: NOON + 10 * MINUTE - LIFETIME })
  })

  it('that does not end has no end elsewhere', () => {
    const tokens: TokenSet = { ...tokensOf(0), lifetimeMs: null, fromFuture: true }
    const { access } = copyRecord(recordOf(tokens), tokens, answer(0, 10))
    expect(access).toMatchObject({ endsAt: null })
  })
})

it('says of a failure when it was by the clock of who reads of it', () => {
  const { tokens, ...rest } = recordOf(tokensOf(HOUR))
  const lost = { code: 'signed_out', message: 'Ended.', at: NOON + HOUR } as const
  const { record } = copyRecord({ ...rest, lost }, undefined, answer(HOUR, 10))
  expect(recordOfCopy(record, answer(-HOUR, 20)).lost?.at).toBe(NOON - HOUR)
})
