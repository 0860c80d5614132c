/** Answers as servers really send them, through the whole adapter and openid-client. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GrantOutcome } from '../../src/core/authorization-server.ts'
import { Secret, sha256Hex } from '../../src/secret.ts'
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts'
import { connect, grantOf, scriptedApp, spending } from '../support/issuer.ts'

const GOOD = { access_token: 'at-2', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt-2' }

let scripted: FaultyServer
beforeAll(async () => {
  scripted = await startFaultyServer()
})
afterAll(() => scripted.close())

function refresh(): Promise<GrantOutcome> {
  return connect(scriptedApp(scripted.url)).refresh(new Secret('rt-1'), spending())
}

async function refreshedBy(body: object | string, status = 200, headers = {}) {
  scripted.answer(status, body, headers)
  return refresh()
}

/** An unsigned JWT: no client checks an access token, which is the API's. */
function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.c2ln`
}

describe('a token response', () => {
  it.each([
    { oddity: 'nothing odd', change: {} },
    { oddity: 'expires_in null', change: { expires_in: null } },
    { oddity: 'expires_in -1', change: { expires_in: -1 } },
    { oddity: 'expires_in "abc"', change: { expires_in: 'abc' } },
    { oddity: 'expires_in "3600"', change: { expires_in: '3600' } },
    { oddity: 'expires_in an object', change: { expires_in: {} } },
    { oddity: 'no token_type', change: { token_type: undefined } },
    { oddity: 'token_type null', change: { token_type: null } },
    { oddity: 'token_type "BEARER"', change: { token_type: 'BEARER' } },
    { oddity: 'token_type " Bearer"', change: { token_type: ' Bearer' } },
    { oddity: 'token_type "BearerToken"', change: { token_type: 'BearerToken' } },
    { oddity: 'an array for scope', change: { scope: ['a', 'b'] } },
    { oddity: 'scope null', change: { scope: null } },
    { oddity: 'an expired id_token that was not asked for', change: { id_token: jwt({ exp: 1 }) } },
    { oddity: 'an id_token that is none', change: { id_token: 42 } },
    { oddity: 'an error beside the tokens', change: { error: 'invalid_grant' } },
  ])('with $oddity is granted', async ({ change }) => {
    const grant = grantOf(await refreshedBy({ ...GOOD, ...change }))
    expect(grant.accessToken.expose()).toBe('at-2')
    expect(grant.refreshToken?.expose()).toBe('rt-2')
  })

  it.each(['at\n2', 'at\u00002', 'at\u00e9', '\u2028at'])(
    'whose access token no header can hold is no answer, and its refresh token is kept: %j',
    async (access_token) => {
      const outcome = await refreshedBy({ ...GOOD, access_token })
      expect(outcome).toMatchObject({ kind: 'salvaged', failure: { code: 'invalid_response' } })
      expect(outcome.kind === 'salvaged' && outcome.refreshToken.expose()).toBe('rt-2')
    },
  )

  it.each([
    { oddity: 'status 201', status: 201, headers: {} },
    { oddity: 'a content type of text', status: 200, headers: { 'content-type': 'text/plain' } },
    { oddity: 'a content type of HTML', status: 200, headers: { 'content-type': 'text/html' } },
    { oddity: 'a challenge', status: 200, headers: { 'www-authenticate': 'Bearer realm="x"' } },
  ])('with $oddity is granted', async ({ status, headers }) => {
    const grant = grantOf(await refreshedBy(JSON.stringify(GOOD), status, headers))
    expect(grant.refreshToken?.expose()).toBe('rt-2')
  })

  it.each([
    { fault: 'no access token', change: { access_token: undefined } },
    { fault: 'an empty access token', change: { access_token: '' } },
    { fault: 'a number for an access token', change: { access_token: 42 } },
  ])('with $fault still saves the new refresh token', async ({ change }) => {
    const outcome = await refreshedBy({ ...GOOD, ...change })
    expect(outcome).toEqual({
      kind: 'salvaged',
      refreshToken: expect.objectContaining({ sha256: sha256Hex('rt-2') }) as Secret,
      failure: {
        code: 'invalid_response',
        message: expect.stringMatching(
          /^127\.0\.0\.1:\d+ answered with a refresh token, but /,
        ) as string,
      },
    })
  })

  it.each(['DPoP', 'mac', 'N_A'])('with a token of the type %s is told as that', async (type) => {
    const failure = {
      code: 'no_bearer_token',
      message: expect.stringContaining(`an access token of the type "${type}"`) as string,
    }
    expect(await refreshedBy({ ...GOOD, token_type: type })).toEqual({
      kind: 'salvaged',
      refreshToken: expect.objectContaining({ sha256: sha256Hex('rt-2') }) as Secret,
      failure,
      lasting: true,
    })
    const without = { ...GOOD, token_type: type, refresh_token: undefined }
    expect(await refreshedBy(without)).toEqual({ kind: 'misconfigured', failure })
  })

  it.each([
    { of: 'blanks', change: { access_token: jwt({ sub: `a${' '.repeat(500_000)}b` }) } },
    { of: 'what begins like a token', change: { scope: 'eyJ-'.repeat(200_000) } },
    { of: 'what begins like a token, and blanks', change: { scope: 'eyJ- '.repeat(180_000) } },
  ])('with hundreds of kilobytes of $of is read in one go', async ({ change }) => {
    grantOf(await refreshedBy({ ...GOOD, ...change }))
  })

  it('with our own secret for a token type does not repeat it', async () => {
    scripted.answer(200, { ...GOOD, token_type: 'refresh-token-of-ada' })
    const server = connect(scriptedApp(scripted.url))
    const outcome = await server.refresh(new Secret('refresh-token-of-ada'), spending())
    expect(outcome).toMatchObject({
      failure: { message: expect.stringContaining('of the type "[secret]"') as string },
    })
  })

  it.each([
    { fault: 'no refresh token', refresh_token: undefined },
    { fault: 'an empty refresh token', refresh_token: '' },
    { fault: 'null for a refresh token', refresh_token: null },
  ])('with $fault is a grant without one', async ({ refresh_token }) => {
    expect(grantOf(await refreshedBy({ ...GOOD, refresh_token })).refreshToken).toBeUndefined()
  })

  it.each([
    { body: {} },
    { body: { token_type: 'Bearer', expires_in: 3600 } },
    { body: { error: null } },
  ])('of $body is no answer, and nothing was lost', async ({ body }) => {
    expect(await refreshedBy(body)).toMatchObject({
      kind: 'unavailable',
      answerLost: false,
      failure: { code: 'invalid_response' },
    })
  })

  it.each([
    { body: '[]' },
    { body: 'null' },
    { body: '"rt-2"' },
    { body: '' },
    { body: '{"access_token":"at-2","refresh_token":"rt' },
    { body: 'welcome=to+the+hotel&room=7' },
  ])('of $body may have held our tokens', async ({ body }) => {
    expect(await refreshedBy(body)).toMatchObject({ kind: 'unavailable', answerLost: true })
  })

  it.each([
    { type: 'application/x-www-form-urlencoded' },
    { type: 'Application/X-WWW-Form-URLEncoded; charset=utf-8' },
    { type: 'text/plain; charset=utf-8' },
    { type: '' },
  ])('in form encoding is granted, as "$type"', async ({ type }) => {
    const body =
      'access_token=at%2B2&expires_in=28800&refresh_token=rt-2&refresh_token_expires_in=15897600&scope=&token_type=bearer\n'
    const grant = grantOf(await refreshedBy(body, 200, { 'content-type': type }))
    expect(grant).toMatchObject({
      lifetimeMs: 28_800_000,
      refreshTokenLifetimeMs: 15_897_600_000,
    })
    expect(grant.accessToken.expose()).toBe('at+2')
    expect(grant.refreshToken?.expose()).toBe('rt-2')
    expect(grant.scope).toBeUndefined()
  })

  it.each([
    { type: 'application/x-www-form-urlencoded', description: 'The+refresh+token+is+bad.' },
    { type: 'text/plain', description: 'The refresh token is bad.' },
  ])('in form encoding is an error, as $type', async ({ type, description }) => {
    const body = `error=invalid_grant&error_description=${description}&error_uri=https://d.example`
    expect(await refreshedBy(body, 400, { 'content-type': type })).toMatchObject({
      kind: 'rejected',
      failure: { code: 'invalid_grant', message: 'The refresh token is bad.' },
    })
  })

  it.each([
    { page: '<html><a href="?error=invalid_grant&x=1">', type: 'text/html' },
    {
      page: '<html><a href="?error=invalid_grant&x=1">',
      type: 'application/x-www-form-urlencoded',
    },
    { page: 'error=invalid_grant', type: 'text/html' },
    { page: 'error=invalid_grant\nSee the manual.', type: 'text/plain' },
    { page: 'welcome=to+the+hotel&room=7', type: 'text/plain' },
    { page: 'Sign in at https://hotel.example/?error=invalid_grant', type: 'text/plain' },
  ])('$page as $type is no form', async ({ page, type }) => {
    expect(await refreshedBy(page, 400, { 'content-type': type })).toMatchObject({
      kind: 'unavailable',
      failure: { code: 'unavailable' },
    })
  })

  it('of up to 1 MiB is a grant', async () => {
    const accessToken = 'x'.repeat(1000 * 1024)
    const grant = grantOf(await refreshedBy({ ...GOOD, access_token: accessToken }))
    expect(grant.accessToken.expose()).toBe(accessToken)
    expect(grant.refreshToken?.expose()).toBe('rt-2')
  })

  it.each([1100, 15_000])('of %i KiB saves its refresh token alone', async (kib) => {
    const outcome = await refreshedBy({ ...GOOD, access_token: 'x'.repeat(kib * 1024) })
    expect(outcome).toMatchObject({
      kind: 'salvaged',
      tooLong: true,
      refreshToken: { sha256: sha256Hex('rt-2') },
      failure: {
        code: 'invalid_response',
        message: expect.stringContaining('longer than 1 MiB') as string,
      },
    })
  })

  it('of more than 1 MiB without a refresh token waits, since the next will be as long', async () => {
    const { refresh_token, ...rest } = GOOD
    const long = { ...rest, access_token: 'x'.repeat(1100 * 1024) }
    expect(await refreshedBy(long)).toMatchObject({ kind: 'unavailable', tooLong: true })
  })

  it('of more than 16 MiB is not read to its end', async () => {
    const endless = { ...GOOD, access_token: 'x'.repeat(17 * 1024 * 1024) }
    expect(await refreshedBy(endless)).toMatchObject({ kind: 'unavailable', answerLost: true })
  })
})

describe('how long a token lives', () => {
  const HOUR_LONG = jwt({ sub: 'ada', iat: 1_700_000_000, exp: 1_700_003_600 })

  it.each([
    { says: 'a number', change: { expires_in: 90 }, lifetimeMs: 90_000 },
    { says: 'a fraction', change: { expires_in: 0.5 }, lifetimeMs: 500 },
    { says: 'a numeric string', change: { expires_in: ' 90 ' }, lifetimeMs: 90_000 },
    { says: 'a decimal string', change: { expires_in: '90.0' }, lifetimeMs: 90_000 },
    {
      says: 'a number too large for a date',
      change: { expires_in: 1e300 },
      lifetimeMs: 10 * 366 * 24 * 3600 * 1000,
    },
    {
      says: 'nothing, and the token is opaque',
      change: { expires_in: undefined },
      lifetimeMs: 300_000,
    },
    { says: '0, and the token is opaque', change: { expires_in: 0 }, lifetimeMs: 300_000 },
    { says: 'less than a millisecond', change: { expires_in: 5e-324 }, lifetimeMs: 300_000 },
    {
      says: 'nothing, but the token does',
      change: { expires_in: undefined, access_token: HOUR_LONG },
      lifetimeMs: 3_600_000,
    },
    {
      says: 'more than the token does',
      change: { expires_in: 7200, access_token: HOUR_LONG },
      lifetimeMs: 7_200_000,
    },
    {
      says: 'nothing, and the token ends before it begins',
      change: { expires_in: undefined, access_token: jwt({ iat: 2000, exp: 1000 }) },
      lifetimeMs: 300_000,
    },
    {
      says: 'nothing, and the token has only an end',
      change: { expires_in: undefined, access_token: jwt({ exp: 1_700_000_000 }) },
      lifetimeMs: 300_000,
    },
    {
      says: 'nothing, and the token has null for its beginning',
      change: { expires_in: undefined, access_token: jwt({ iat: null, exp: 1_700_000_000 }) },
      lifetimeMs: 300_000,
    },
    {
      says: 'nothing, and the token has strings for times',
      change: { expires_in: undefined, access_token: jwt({ iat: '2000', exp: '2090' }) },
      lifetimeMs: 90_000,
    },
    {
      says: 'nothing, and the token has words for times',
      change: { expires_in: undefined, access_token: jwt({ iat: 'now', exp: 'later' }) },
      lifetimeMs: 300_000,
    },
    {
      says: 'nothing, and the token has an end to come',
      change: {
        expires_in: undefined,
        access_token: jwt({ exp: Math.floor(Date.now() / 1000) + 10 * 366 * 24 * 3600 + 3600 }),
      },
      lifetimeMs: 10 * 366 * 24 * 3600 * 1000,
    },
  ])('is known where the server says $says', async ({ change, lifetimeMs }) => {
    expect(grantOf(await refreshedBy({ ...GOOD, ...change })).lifetimeMs).toBe(lifetimeMs)
  })

  it.each([
    { says: 'nothing', change: { expires_in: undefined }, assumed: 60_000, lifetimeMs: 60_000 },
    { says: 'nothing', change: { expires_in: undefined }, assumed: null, lifetimeMs: null },
    { says: '0', change: { expires_in: 0 }, assumed: null, lifetimeMs: null },
    { says: 'a number', change: { expires_in: 90 }, assumed: null, lifetimeMs: 90_000 },
    { says: 'a number', change: { expires_in: 90 }, assumed: 60_000, lifetimeMs: 90_000 },
    {
      says: 'nothing, but the token does',
      change: { expires_in: undefined, access_token: HOUR_LONG },
      assumed: null,
      lifetimeMs: 3_600_000,
    },
  ])(
    'is $lifetimeMs where the server says $says, and the config $assumed',
    async ({ change, assumed, lifetimeMs }) => {
      scripted.answer(200, { ...GOOD, ...change })
      const app = scriptedApp(scripted.url, { accessTokenLifetimeMs: assumed })
      const grant = grantOf(await connect(app).refresh(new Secret('rt-1'), spending()))
      expect(grant.lifetimeMs).toBe(lifetimeMs)
    },
  )

  it.each([
    { body: { refresh_expires_in: 1800 }, refreshTokenLifetimeMs: 1_800_000 },
    { body: { refresh_token_expires_in: '1800' }, refreshTokenLifetimeMs: 1_800_000 },
    { body: { refresh_expires_in: 0 }, refreshTokenLifetimeMs: undefined },
    { body: { refresh_expires_in: 'never' }, refreshTokenLifetimeMs: undefined },
    { body: {}, refreshTokenLifetimeMs: undefined },
  ])('is known of the refresh token from $body', async ({ body, refreshTokenLifetimeMs }) => {
    const grant = grantOf(await refreshedBy({ ...GOOD, ...body }))
    expect(grant.refreshTokenLifetimeMs).toBe(refreshTokenLifetimeMs)
  })
})

describe('the scope of a token', () => {
  it.each([
    { stated: 'a b', scope: 'a b' },
    { stated: ['a', 'b'], scope: 'a b' },
    { stated: ['a', 1, null, ''], scope: 'a' },
    { stated: '', scope: undefined },
    { stated: ' ', scope: undefined },
    { stated: [], scope: undefined },
    { stated: 7, scope: undefined },
    { stated: undefined, scope: undefined },
  ])('is $scope where the server states $stated', async ({ stated, scope }) => {
    expect(grantOf(await refreshedBy({ ...GOOD, scope: stated })).scope).toBe(scope)
  })
})

describe('who signed in', () => {
  it.each([
    { claims: { sub: 's1', email: 'a@b.c', name: 'A' }, subject: { id: 's1', name: 'a@b.c' } },
    { claims: { sub: 's1', preferred_username: 'ada' }, subject: { id: 's1', name: 'ada' } },
    {
      claims: { sub: 's1', given_name: 'Ada', family_name: 'Lovelace' },
      subject: { id: 's1', name: 'Ada Lovelace' },
    },
    { claims: { sub: 's1', given_name: 7 }, subject: { id: 's1' } },
    { claims: { sub: 's1', email: 'a\u001b[31m@b.c' }, subject: { id: 's1', name: 'a [31m@b.c' } },
    { claims: { email: 'a@b.c' }, subject: undefined },
    { claims: { sub: 7 }, subject: undefined },
  ])('is $subject by $claims', async ({ claims, subject }) => {
    const grant = grantOf(await refreshedBy({ ...GOOD, access_token: jwt(claims) }))
    expect(grant.subject).toEqual(subject)
  })
})
