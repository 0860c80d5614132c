/** Token responses with damaged members, of any status: each has an outcome, and none costs a refresh token. */
import fc from 'fast-check'
import { expect } from 'vitest'
import { createAuthorizationServer } from '../../src/adapters/server/authorization-server.ts'
import type { IssuerFetch } from '../../src/adapters/server/issuer-fetch.ts'
import { createMetadataSource } from '../../src/adapters/server/metadata.ts'
import { createTimeLimits } from '../../src/adapters/server/time-limit.ts'
import type { GrantOutcome } from '../../src/core/authorization-server.ts'
import { Secret } from '../../src/secret.ts'
import { recordingLog } from '../support/builders.ts'
import { scriptedApp, systemClock } from '../support/issuer.ts'
import { damagedJson, damagedText, holds, hostileText, hostileValue } from './cases.ts'

const ACCESS_TOKEN = 'access-token-of-the-server'
const REFRESH_TOKEN = 'refresh-token-of-the-server'
const VALID = {
  access_token: ACCESS_TOKEN,
  token_type: 'Bearer',
  expires_in: 3600,
  refresh_token: REFRESH_TOKEN,
  scope: 'evo.discovery evo.workspace',
}
const JWT = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"ada","iat":1,"exp":"x"}').toString('base64url')}.`
const BODIES = [
  VALID,
  { ...VALID, access_token: JWT, refresh_expires_in: 86_400 },
  { ...VALID, id_token: JWT, session_state: 's' },
  { error: 'invalid_grant', error_description: 'The refresh token was used before.' },
  { error: 'temporarily_unavailable' },
]
const body = fc.oneof(
  fc.constantFrom(...BODIES).map((valid) => JSON.stringify(valid)),
  // In a list, so that the whole of it may be replaced as well.
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...BODIES)
      .chain((valid) => damagedJson([valid]))
      .map(first),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...BODIES).chain((valid) => damagedText(JSON.stringify(valid))),
  },
  hostileValue.map((value) => JSON.stringify(value)),
  fc.constantFrom('', '<html>Sign in to the network</html>', 'a'.repeat(70_000)),
)
const answer = fc.record({
  status: fc.oneof(
    { weight: 4, arbitrary: fc.constant(200) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        201,
        202,
        204,
        302,
        400,
        401,
        403,
        404,
        408,
        429,
        500,
        502,
        503,
        599,
      ),
    },
  ),
  body,
  type: fc.constantFrom(
    'application/json',
    'application/json;charset=utf-8',
    'text/html',
    '',
    'a/b; =',
  ),
  challenge: fc.constantFrom(null, 'Basic realm="x"', 'Bearer error="invalid_token"', ',,,'),
  retryAfter: fc.oneof(
    fc.constantFrom(null, '5', '-1', '99999999999999999999', 'Wed, 21 Oct 2015 07:28:00 GMT'),
    hostileText,
  ),
})

function first(value: unknown): string {
  return JSON.stringify((value as readonly unknown[])[0] ?? null)
}

holds(
  'every answer has an outcome, and a refresh token in a good one is kept',
  15,
  fc.asyncProperty(answer, async (given) => {
    const outcome = await refreshed(given)
    expect(['granted', 'salvaged', 'rejected', 'misconfigured', 'unavailable']).toContain(
      outcome.kind,
    )
    const rotated = given.status < 300 ? refreshTokenOf(given.body) : undefined
    if (rotated !== undefined) expect(keptIn(outcome)).toBe(rotated)
    if (outcome.kind === 'granted') {
      expect(outcome.grant.accessToken.expose()).not.toBe('')
      expect(outcome.grant.lifetimeMs).toBeGreaterThan(0)
      expect(Number.isSafeInteger(outcome.grant.lifetimeMs)).toBe(true)
      return
    }
    // Only what the server itself says for good costs the session.
    if (outcome.kind === 'rejected')
      expect([200, 201, 202, 204, 400, 401, 403, 404]).toContain(given.status)
    expect(outcome.failure.message).not.toContain(REFRESH_TOKEN)
    expect(outcome.failure.message).not.toContain(ACCESS_TOKEN)
  }),
)

interface Given {
  readonly status: number
  readonly body: string
  readonly type: string
  readonly challenge: string | null
  readonly retryAfter: string | null
}

async function refreshed({
  status,
  body: text,
  type,
  challenge,
  retryAfter,
}: Given): Promise<GrantOutcome> {
  const headers = new Map([
    ['content-type', type],
    ['www-authenticate', challenge],
    ['retry-after', retryAfter],
  ])
  const fetch: IssuerFetch = async () => ({
    status,
    headers: { get: (name) => headers.get(name) ?? null },
    body: Buffer.from(text),
    isWhole: true,
  })
  const startTimeLimit = createTimeLimits(systemClock)
  const server = createAuthorizationServer({
    app: scriptedApp('https://issuer.example'),
    metadata: createMetadataSource({
      fetch,
      clock: systemClock,
      log: recordingLog(),
      startTimeLimit,
    }),
    fetch,
    clock: systemClock,
    startTimeLimit,
  })
  const prepared = await server.prepareRefresh(new Secret('the-old-one'), undefined)
  return prepared.kind === 'ready' ? prepared.send() : prepared.outcome
}

function keptIn(outcome: GrantOutcome): string | undefined {
  if (outcome.kind === 'granted') return outcome.grant.refreshToken?.expose()
  return outcome.kind === 'salvaged' ? outcome.refreshToken.expose() : undefined
}

/** As it has to be kept: a string that is not empty, in an object, of 16 MiB at most. */
function refreshTokenOf(text: string): string | undefined {
  if (Buffer.byteLength(text) > 16 * 1024 * 1024) return undefined
  try {
    // As it arrives: what is no UTF-8 has been replaced on the way.
    const value = JSON.parse(Buffer.from(text).toString()) as { refresh_token?: unknown } | null
    const token = Array.isArray(value) ? undefined : value?.refresh_token
    return typeof token === 'string' && token !== '' ? token : undefined
  } catch {
    return undefined
  }
}
