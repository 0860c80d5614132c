/** What authorization servers, and everything on the way to them, do instead of granting. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toFailedOutcome } from '../../src/adapters/server/grant-failure.ts'
import { readAnswer } from '../../src/adapters/server/issuer-answer.ts'
import { describeFault } from '../../src/adapters/server/issuer-fault.ts'
import type { GrantOutcome } from '../../src/core/authorization-server.ts'
import { Secret } from '../../src/secret.ts'
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts'
import { freePort } from '../support/free-port.ts'
import { connect, scriptedApp, spending, systemClock } from '../support/issuer.ts'

const PORTAL = '<!DOCTYPE html><html><body>Accept the terms of this airport</body></html>'

let scripted: FaultyServer
beforeEach(async () => {
  scripted = await startFaultyServer()
})
afterEach(() => scripted.close())

function refresh(options: { timeoutMs?: number } = {}): Promise<GrantOutcome> {
  return connect(scriptedApp(scripted.url), options).refresh(new Secret('rt-secret-1'), spending())
}

async function refusedBy(status: number, body: unknown, headers: Record<string, string> = {}) {
  scripted.answer(status, body, headers)
  return refresh()
}

describe('a refusal', () => {
  it.each(['invalid_grant', 'interaction_required', 'login_required'])(
    'with %s costs the session',
    async (error) => {
      const outcome = await refusedBy(400, { error, error_description: 'sign in again' })
      expect(outcome).toEqual({
        kind: 'rejected',
        failure: { code: error, message: 'sign in again' },
      })
    },
  )

  it.each([
    'invalid_client',
    'unauthorized_client',
    'invalid_scope',
    'unsupported_grant_type',
    'invalid_request',
    'invalid_target',
  ])('with %s is for a person to correct', async (error) => {
    const outcome = await refusedBy(400, { error, error_description: 'the words of the server' })
    expect(outcome).toEqual({
      kind: 'misconfigured',
      failure: {
        code: error,
        message: expect.stringMatching(
          /^127\.0\.0\.1:\d+ does not .+: the words of the server$/,
        ) as string,
      },
    })
  })

  it.each([
    { status: 400, headers: {} },
    { status: 401, headers: {} },
    { status: 401, headers: { 'www-authenticate': 'Basic realm="token"' } },
    { status: 403, headers: {} },
    { status: 400, headers: { 'content-type': 'text/html' } },
  ])('counts whatever HTTP makes of it: $status $headers', async ({ status, headers }) => {
    const outcome = await refusedBy(status, { error: 'invalid_grant' }, headers)
    expect(outcome).toMatchObject({ kind: 'rejected', failure: { code: 'invalid_grant' } })
  })

  it('with a challenge and no code is about the client', async () => {
    const outcome = await refusedBy(401, '', { 'www-authenticate': 'Basic realm="token"' })
    expect(outcome).toMatchObject({ kind: 'misconfigured', failure: { code: 'invalid_client' } })
  })

  it('without words says who refused', async () => {
    expect(await refusedBy(400, { error: 'invalid_grant' })).toMatchObject({
      failure: { message: `127.0.0.1:${scripted.port} answered invalid_grant.` },
    })
  })
})

describe('a refusal in words of its own', () => {
  it.each([
    { server: 'GitHub, in a 200', status: 200, body: { error: 'bad_refresh_token' } },
    { server: 'Slack, in a 200', status: 200, body: { ok: false, error: 'invalid_refresh_token' } },
    { server: 'Ory Hydra', status: 401, body: { error: 'token_inactive' } },
    { server: 'one that knows expired tokens', status: 400, body: { error: 'expired_token' } },
    { server: 'Entra', status: 400, body: { error: 'consent_required' } },
    { server: 'OpenID Connect', status: 400, body: { error: 'account_selection_required' } },
    {
      server: 'Supabase',
      status: 400,
      body: { code: 400, error_code: 'refresh_token_not_found', msg: 'Invalid Refresh Token' },
    },
    {
      server: 'Supabase of today',
      status: 400,
      body: { code: 'refresh_token_already_used', message: 'Invalid Refresh Token: Already Used' },
    },
    { server: 'an object for an error', status: 400, body: { error: { code: 'invalid_grant' } } },
    { server: 'an object within', status: 200, body: { error: { error: 'invalid_grant' } } },
    { server: 'a list of codes, in a 200', status: 200, body: { error: ['invalid_grant'] } },
    { server: 'a list of errors', status: 400, body: { errors: [{ code: 'invalid_grant' }] } },
    { server: 'a list around it', status: 400, body: [{ error: 'invalid_grant' }] },
    { server: 'Okta’s own API', status: 400, body: { errorCode: 'invalid_grant' } },
    { server: 'capitals', status: 400, body: { error: 'INVALID_GRANT' } },
    { server: 'hyphens', status: 400, body: { error: 'invalid-grant' } },
    {
      server: 'HubSpot',
      status: 400,
      body: { status: 'BAD_REFRESH_TOKEN', message: 'missing or invalid refresh token' },
    },
    { server: 'Zoho, in a 200', status: 200, body: { error: 'invalid_code' } },
    {
      server: 'Fitbit',
      status: 400,
      body: { success: false, errors: [{ errorType: 'invalid_grant', message: 'Invalid.' }] },
    },
    {
      server: 'Google',
      status: 400,
      body: { error: { code: 400, message: 'TOKEN_EXPIRED', status: 'INVALID_ARGUMENT' } },
    },
    {
      server: 'Apigee',
      status: 401,
      body: { fault: { faultstring: 'No.', detail: { errorcode: 'oauth.v2.invalid_grant' } } },
    },
    {
      server: 'a status in the place of the code',
      status: 401,
      body: { error: 'Unauthorized', code: 'refresh_token_expired' },
    },
    {
      server: 'a code besides the number of its own',
      status: 400,
      body: { error: 'invalid_grant', errors: [{ code: 'E123' }] },
    },
    {
      server: 'RFC 9457',
      status: 400,
      body: { type: 'https://op.example/problems/invalid_grant', title: 'It is gone.' },
    },
    { server: 'one word', status: 400, body: { error: 'invalidGrant' } },
    { server: 'a URN', status: 400, body: { error: 'urn:ietf:params:oauth:error:invalid_grant' } },
    { server: 'Auth0', status: 403, body: { error: 'mfa_required' } },
    {
      server: 'tokens that are none',
      status: 200,
      body: { error: 'invalid_grant', access_token: null, refresh_token: '' },
    },
  ])('costs the session: $server', async ({ status, body }) => {
    expect(await refusedBy(status, body)).toMatchObject({ kind: 'rejected' })
  })

  it('is told in its words, with its own code', async () => {
    expect(
      await refusedBy(400, { error_code: 'refresh_token_not_found', msg: 'Not found.' }),
    ).toEqual({
      kind: 'rejected',
      failure: { code: 'invalid_grant', message: 'Not found. (refresh_token_not_found)' },
    })
  })

  it('never costs the session of an answer that brought tokens', async () => {
    const outcome = await refusedBy(200, {
      error: 'invalid_grant',
      access_token: 'at-2',
      refresh_token: 'rt-2',
      token_type: 'Bearer',
    })
    expect(outcome).toMatchObject({ kind: 'granted', grant: { refreshToken: {} } })
    expect(await refusedBy(200, { error: 'invalid_grant', refresh_token: 'rt-3' })).toMatchObject({
      kind: 'salvaged',
    })
  })

  it.each([
    { server: 'GitHub', body: { error: 'incorrect_client_credentials' } },
    { server: 'Slack', body: { ok: false, error: 'bad_client_secret' } },
    { server: 'HubSpot', body: { status: 'BAD_CLIENT_ID', message: 'missing or unknown' } },
    { server: 'Google', body: { error: 'deleted_client' } },
  ])('is about the client: $server', async ({ body }) => {
    expect(await refusedBy(200, body)).toMatchObject({
      kind: 'misconfigured',
      failure: { code: 'invalid_client' },
    })
  })

  it.each(['expired_token', 'bad_refresh_token'])(
    'means what it means to a device, where none is refreshed: %s',
    async (error) => {
      scripted.answer(400, { error })
      const device = {
        deviceCode: new Secret('device-code'),
        userCode: 'A',
        verificationUri: scripted.url,
        expiresInMs: 1,
        intervalMs: 1,
      }
      const outcome = await connect(scriptedApp(scripted.url)).poll(device, spending())
      expect(outcome).toMatchObject({
        kind: error === 'expired_token' ? 'rejected' : 'unavailable',
        failure: { code: error },
      })
    },
  )

  it.each([
    {
      server: 'Atlassian',
      status: 403,
      body: { error: 'unauthorized_client', error_description: 'refresh_token is invalid' },
    },
    {
      server: 'Atlassian, in a 401',
      status: 401,
      body: { error: 'unauthorized_client', error_description: 'refresh_token is invalid' },
    },
    {
      server: 'Authlib',
      status: 400,
      body: { error: 'invalid_request', error_description: 'Invalid "refresh_token" in request.' },
    },
    {
      server: 'Webex',
      status: 400,
      body: { error: 'invalid_request', message: 'The refresh token provided is expired.' },
    },
    { server: 'Zoom', status: 401, body: { error: 'invalid_request', reason: 'Invalid Token!' } },
    {
      server: 'Apigee',
      status: 400,
      body: { ErrorCode: 'invalid_request', Error: 'Refresh Token expired' },
    },
    {
      server: 'Spring Security',
      status: 401,
      body: { error: 'invalid_token', error_description: 'Invalid refresh token (expired): 1' },
    },
    {
      server: 'Cloud Foundry',
      status: 401,
      body: { error: 'invalid_token', error_description: 'The token expired, or was revoked' },
    },
    { server: 'Twitch', status: 401, body: { status: 401, message: 'Invalid refresh token' } },
    {
      server: 'Okta',
      status: 401,
      body: { errorCode: 'E0000011', errorSummary: 'Invalid token provided' },
    },
    { server: 'WeChat', status: 200, body: { errcode: 40030, errmsg: 'invalid refresh_token' } },
  ])('that is about the refresh token keeps it, and is counted: $server', async (told) => {
    scripted.answer(told.status, told.body)
    const web = scriptedApp(scripted.url, {
      type: 'web',
      tokenEndpointAuthMethod: 'client_secret_post',
    })
    for (const app of [scriptedApp(scripted.url), web]) {
      const secret = app.type === 'web' ? new Secret('the-client-secret') : undefined
      const outcome = await connect(app).refresh(new Secret('rt-secret-1'), spending(secret))
      expect(outcome).toMatchObject({
        kind: 'unavailable',
        answerLost: false,
        refusal: expect.stringMatching(new RegExp(`^${told.status} `)) as string,
        failure: { message: expect.stringMatching(/token/i) as string },
      })
    }
  })

  it.each([
    { error: 'unauthorized_client' },
    {
      error: 'unauthorized_client',
      error_description: 'The grant type refresh_token is invalid for this client',
    },
    { error: 'invalid_request', error_description: 'Unknown parameter: audience' },
    { error: 'invalid_client', error_description: 'The client of this token is invalid' },
  ])('that is about the app stays that: $error, $error_description', async (body) => {
    expect(await refusedBy(400, body)).toMatchObject({
      kind: 'misconfigured',
      failure: { code: body.error },
    })
  })

  it.each([
    {
      server: 'Entra',
      error: 'invalid_grant',
      error_description:
        'AADSTS50196: The server terminated an operation because it encountered a client request loop.',
    },
    {
      server: 'Ory Hydra, where an earlier request is still at work',
      error: 'invalid_request',
      error_description:
        'Failed to refresh token because of multiple concurrent requests using the same token which is not allowed.',
    },
    { server: 'any', error: 'invalid_client', error_description: 'Busy. Please try again later.' },
  ])(
    'that its words deny keeps the token, and is counted: $server',
    async ({ error, error_description }) => {
      const body = { error, error_description }
      expect(await refusedBy(400, body)).toMatchObject({
        kind: 'unavailable',
        answerLost: false,
        refusal: `400 ${body.error}`,
      })
    },
  )

  it('in a status is none where that says no more than that it failed', async () => {
    expect(await refusedBy(400, { status: 'error', message: 'It is gone.' })).toMatchObject({
      refusal: '400 ',
    })
  })

  it('is kept to compare it with the next one, where it is none that we know', async () => {
    const told = await refusedBy(400, { error: 'odd', error_description: 'Trace 1234' })
    expect(told).toMatchObject({
      kind: 'unavailable',
      answerLost: false,
      refusal: '400 odd',
      failure: {
        code: 'odd',
        message: expect.stringMatching(/odd \(status 400\): Trace 1234$/) as string,
      },
    })
    expect(await refusedBy(403, { message: 'Forbidden' })).toMatchObject({ refusal: '403 ' })
  })

  it.each([
    { status: 200, body: { error: 400, error_description: 'It is gone.' } },
    { status: 200, body: { error: 'It is gone.' } },
    { status: 400, body: { error: 'It is gone.' } },
    { status: 200, body: { success: false, message: 'It is gone.' } },
    { status: 403, body: { title: 'Forbidden', detail: 'It is gone.' } },
    { status: 400, body: { errorCode: 'E0000021', errorSummary: 'It is gone.' } },
    { status: 400, body: [{ errorCode: 'INVALID_SESSION_ID', message: 'It is gone.' }] },
    { status: 400, body: { type: 'https://op.example/gone', title: 'It is gone.' } },
    { status: 400, body: { error: 'Bad Request', message: ['It is gone.'] } },
    { status: 400, body: { Fault: { Error: [{ Message: 'It is gone.', code: '3200' }] } } },
    { status: 400, body: { __type: 'com.amazonaws#NoException', message: 'It is gone.' } },
    { status: 200, body: { code: 20037, msg: 'It is gone.' } },
    { status: 400, body: { errorCode: 'AUTH-004', developerMessage: 'It is gone.' } },
  ])('is told in the words of the server, wherever they stand: $status $body', async (told) => {
    expect(await refusedBy(told.status, told.body)).toMatchObject({
      kind: 'unavailable',
      refusal: expect.stringMatching(new RegExp(`^${told.status} `)) as string,
      failure: { message: expect.stringMatching(/: It is gone\.$/) as string },
    })
  })

  it.each([
    { status: 400, body: '<html>' },
    { status: 408, body: { error: 'odd' } },
    { status: 425, body: { error: 'odd' } },
    { status: 429, body: { error: 'odd' } },
    { status: 500, body: { error: 'odd' } },
    { status: 400, body: { error: 'temporarily_unavailable' } },
    { status: 200, body: { ok: false, error: 'ratelimited' } },
    { status: 401, body: { error: 'temporarily_unavailable' } },
    { status: 403, body: { error: { code: 403, status: 'RESOURCE_EXHAUSTED' } } },
    { status: 403, body: { error: 'Denied', error_description: 'Too many requests, wait.' } },
    { status: 400, body: { __type: 'ThrottlingException', message: 'Wait.' } },
    { status: 400, body: { error: 'unknown_error', error_description: 'retry your request' } },
    { status: 403, body: { statusCode: 403, message: 'Out of quota. Try again in 7 seconds.' } },
    { status: 400, body: { error: 'server_error', errors: [{ code: 'invalid_grant' }] } },
  ])('is none where it may pass: $status $body', async ({ status, body }) => {
    expect(await refusedBy(status, body)).not.toHaveProperty('refusal')
  })

  it.each([
    { body: { error: 'unauthorized_client', error_description: 'Invalid client credentials' } },
    { body: { error: 'odd' } },
    { body: { message: 'Unauthorized' } },
    { body: { error: 'odd', message: 'The client secret, a token, is invalid' } },
  ])('with status 401 is about the secret that was shown: $body', async ({ body }) => {
    scripted.answer(401, body)
    const app = scriptedApp(scripted.url, {
      type: 'service',
      tokenEndpointAuthMethod: 'client_secret_post',
    })
    expect(await connect(app).issue(new Secret('the-client-secret'))).toMatchObject({
      kind: 'misconfigured',
      failure: { code: 'invalid_client' },
    })
    // An app without a secret has none that could be wrong.
    expect(await refusedBy(401, body)).not.toMatchObject({ failure: { code: 'invalid_client' } })
  })

  it('with status 401 and another known code means that', async () => {
    scripted.answer(401, { error: 'invalid_scope' })
    const app = scriptedApp(scripted.url, {
      type: 'service',
      tokenEndpointAuthMethod: 'client_secret_post',
    })
    expect(await connect(app).issue(new Secret('the-client-secret'))).toMatchObject({
      failure: { code: 'invalid_scope' },
    })
  })
})

describe('a redirect', () => {
  it.each([
    {
      status: 307,
      location: 'https://other.example/token?x=y',
      names: 'https://other.example, another server',
    },
    { status: 308, location: '/oauth/token', names: '/oauth/token' },
    { status: 302, location: 'no:// address', names: 'names no address' },
  ])('with $status is not followed, and named', async ({ status, location, names }) => {
    const outcome = await refusedBy(status, '', { location })
    expect(outcome).toMatchObject({
      kind: 'unavailable',
      answerLost: false,
      failure: { message: expect.stringContaining(names) as string },
    })
    expect(outcome.kind === 'unavailable' && outcome.failure.message).not.toContain('x=y')
    expect(scripted.seen).toHaveLength(1)
  })
})

describe('an answer that decides nothing', () => {
  it.each([
    { what: 'an unknown error', status: 400, body: { error: 'server_is_sad' }, lost: false },
    { what: 'an error that is no string', status: 400, body: { error: 7 }, lost: false },
    { what: '400 without JSON', status: 400, body: PORTAL, lost: false },
    { what: '403 of a firewall', status: 403, body: PORTAL, lost: false },
    { what: '404', status: 404, body: '', lost: false },
    { what: '401 without a challenge', status: 401, body: '', lost: false },
    { what: '408', status: 408, body: { error: 'invalid_grant' }, lost: false },
    { what: '429', status: 429, body: { error: 'invalid_grant' }, lost: false },
    { what: '503', status: 503, body: { error: 'invalid_grant' }, lost: false },
    { what: '500', status: 500, body: { error: 'invalid_grant' }, lost: true },
    { what: '500 with a page', status: 500, body: PORTAL, lost: true },
    { what: '502 of a gateway', status: 502, body: PORTAL, lost: true },
    { what: '504 of a gateway', status: 504, body: '', lost: true },
    { what: 'a captive portal', status: 200, body: PORTAL, lost: false },
    {
      what: 'a long captive portal',
      status: 200,
      body: PORTAL + ' '.repeat(1_100_000),
      lost: true,
    },
    { what: 'a redirect', status: 302, body: '', lost: false },
    { what: 'not modified', status: 304, body: '', lost: false },
    { what: 'no content', status: 204, body: '', lost: true },
  ])('is $what', async ({ status, body, lost }) => {
    const location = status === 302 ? { location: `${scripted.url}/login` } : {}
    const outcome = await refusedBy(status, body, location)
    expect(outcome).toMatchObject({ kind: 'unavailable', answerLost: lost })
    // Above all, no client followed the redirect with a refresh token in hand.
    expect(scripted.seen).toHaveLength(1)
  })

  it('is a long captive portal, too, where it says that it is HTML', async () => {
    const outcome = await refusedBy(200, PORTAL + ' '.repeat(1_100_000), {
      'content-type': 'text/html',
    })
    expect(outcome).toMatchObject({ kind: 'unavailable', answerLost: false })
  })

  it('keeps the code of an error that may pass', async () => {
    const outcome = await refusedBy(503, { error: 'temporarily_unavailable' })
    expect(outcome).toMatchObject({ failure: { code: 'temporarily_unavailable' } })
    expect(await refusedBy(400, { error: 'no code\n at all' })).toMatchObject({
      failure: { code: 'unavailable' },
    })
  })

  it.each([
    { status: 403, body: 'RBAC: access denied\n', says: 'status 403: RBAC: access denied$' },
    { status: 503, body: 'upstream connect error', says: 'status 503: upstream connect error$' },
    { status: 403, body: 'One line.\nAnother one.', says: 'status 403\\.$' },
    { status: 403, body: PORTAL, says: 'status 403\\.$' },
    { status: 400, body: 'no rt-secret-1', says: 'status 400: no \\[secret\\]$' },
  ])(
    'is told in the words of a gateway, if those are one line: $body',
    async ({ status, body, says }) => {
      expect(await refusedBy(status, body)).toMatchObject({
        kind: 'unavailable',
        failure: { code: 'unavailable', message: expect.stringMatching(says) as string },
      })
    },
  )

  it('says that a page is in the way', async () => {
    expect(await refusedBy(200, PORTAL)).toMatchObject({
      failure: { message: expect.stringMatching(/captive portal/) as string },
    })
  })

  it.each([
    { header: '120', retryAfterMs: 120_000 },
    { header: ' 0 ', retryAfterMs: 0 },
    { header: 'soon', retryAfterMs: undefined },
    { header: '-5', retryAfterMs: undefined },
    { header: '1.5', retryAfterMs: undefined },
  ])('may say how long to wait: $header', async ({ header, retryAfterMs }) => {
    const outcome = await refusedBy(429, { error: 'slow' }, { 'retry-after': header })
    expect(outcome.kind === 'unavailable' && outcome.retryAfterMs).toBe(retryAfterMs)
  })

  it('may say until when to wait', async () => {
    const wall = Date.UTC(2026, 0, 1)
    scripted.answer(503, '', { 'retry-after': 'Thu, 01 Jan 2026 00:01:30 GMT' })
    const clock = { read: () => ({ ...systemClock.read(), wall }) }
    const server = connect(scriptedApp(scripted.url), { clock })
    const outcome = await server.refresh(new Secret('rt-1'), spending())
    expect(outcome).toMatchObject({ retryAfterMs: 90_000 })
    scripted.answer(503, '', { 'retry-after': 'Wed, 31 Dec 2025 23:00:00 GMT' })
    expect(await server.refresh(new Secret('rt-1'), spending())).toMatchObject({ retryAfterMs: 0 })
  })
})

describe('no answer', () => {
  it('is not lost where nothing listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const server = connect(scriptedApp(url))
    expect(await server.refresh(new Secret('rt-1'), spending())).toEqual({
      kind: 'unavailable',
      answerLost: false,
      failure: {
        code: 'unavailable',
        message: expect.stringContaining('cannot be reached (ECONNREFUSED)') as string,
      },
    })
  })

  it('is not lost where the name is unknown', async () => {
    // RFC 6761 reserves ".invalid": no resolver knows it, with or without a network.
    const server = connect(scriptedApp('https://issuer.invalid'))
    const outcome = await server.refresh(new Secret('rt-1'), spending())
    expect(outcome).toMatchObject({ kind: 'unavailable', answerLost: false })
  })

  it('is not lost where TLS is spoken to a server that speaks none', async () => {
    const server = connect(scriptedApp(scripted.url.replace('http:', 'https:')))
    const outcome = await server.refresh(new Secret('rt-1'), spending())
    expect(outcome).toMatchObject({ kind: 'unavailable', answerLost: false })
  })

  it.each([
    {
      fault: 'the connection is reset after the request',
      act: (socket: { resetAndDestroy(): void }) => {
        socket.resetAndDestroy()
      },
    },
    {
      fault: 'the connection is closed after the request',
      act: (socket: { destroy(): void }) => {
        socket.destroy()
      },
    },
  ])('may be lost where $fault', async ({ act }) => {
    scripted.respondWith((_request, response) => {
      if (response.socket) act(response.socket)
    })
    expect(await refresh()).toMatchObject({ kind: 'unavailable', answerLost: true })
  })

  const cutShort = (status: number, body: string) => {
    scripted.respondWith((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': 500 })
      response.write(body, () => {
        response.destroy()
      })
    })
  }

  it.each([
    { status: 200, body: '{"access_token":"at-2","refresh_token":"rt-' },
    { status: 400, body: '{"error":"invalid_grant","refresh_token":"rt-2"' },
  ])('may be lost where a body is cut short: $status $body', async ({ status, body }) => {
    cutShort(status, body)
    expect(await refresh()).toMatchObject({ kind: 'unavailable', answerLost: true })
  })

  it('is not lost where a success is cut short behind its refresh token', async () => {
    cutShort(200, '{"refresh_token":"rt-2","access_token":"at-')
    const outcome = await refresh()
    expect(outcome.kind === 'salvaged' && outcome.refreshToken.expose()).toBe('rt-2')
  })

  it('is not lost where a success ends too early, and the connection does not show it', async () => {
    scripted.answer(200, '{"refresh_token":"rt-2","access_token":"at-')
    expect(await refresh()).toMatchObject({ kind: 'salvaged' })
  })

  it('is not lost where a success is longer than we read, behind its refresh token', async () => {
    scripted.answer(200, { refresh_token: 'rt-2', access_token: 'x'.repeat(16 * 1024 * 1024) })
    const outcome = await refresh()
    expect(outcome).toMatchObject({ kind: 'salvaged', tooLong: true })
  })

  it('may be lost where it takes too long', async () => {
    scripted.respondWith(() => undefined)
    expect(await refresh({ timeoutMs: 50 })).toEqual({
      kind: 'unavailable',
      answerLost: true,
      failure: {
        code: 'unavailable',
        message: `127.0.0.1:${scripted.port} did not answer in time.`,
      },
    })
  })

  it('may be lost where a body does not end', async () => {
    scripted.respondWith((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{')
    })
    expect(await refresh({ timeoutMs: 50 })).toMatchObject({ answerLost: true })
  })

  it('says nothing about the session: a mistake of ours is thrown', async () => {
    const server = connect(scriptedApp(scripted.url))
    const refused = server.refresh(new Secret(''), spending())
    await expect(refused).rejects.toThrow(TypeError)
    expect(scripted.seen).toEqual([])
  })
})

describe('a mistake of ours', () => {
  const ours = new RangeError('ours')

  function factsOf(content: object) {
    const body = Buffer.from(JSON.stringify(content))
    const answer = readAnswer({ status: 200, headers: new Headers(), body, isWhole: true }, 0)
    return { url: 'https://issuer.example/', sent: true, answer }
  }

  it('after an answer without a new refresh token is thrown', () => {
    const facts = factsOf({ access_token: 'at-2' })
    expect(() => toFailedOutcome(ours, facts, { wanted: 'access token' })).toThrow(ours)
  })

  it('after an answer with a new refresh token does not cost that token', () => {
    const facts = factsOf({ access_token: 'at-2', refresh_token: 'rt-2' })
    expect(toFailedOutcome(ours, facts, { wanted: 'access token' })).toMatchObject({
      kind: 'salvaged',
    })
  })

  it.each([new TypeError('ours'), ours, new TypeError('ours', { cause: 'a word' })])(
    'is told from what the network does: %o',
    (error) => {
      expect(() => describeFault(error, 'https://issuer.example/')).toThrow(error)
    },
  )
})

describe('a fault of the network', () => {
  it.each([
    { cause: { code: 'ETIMEDOUT', syscall: 'connect' }, maybeArrived: false },
    { cause: { code: 'ETIMEDOUT', syscall: 'read' }, maybeArrived: true },
    { cause: { code: 'ENETUNREACH', syscall: 'connect' }, maybeArrived: false },
    { cause: { code: 'EPERM', syscall: 'connect' }, maybeArrived: false },
    { cause: { code: 'ENOTFOUND', syscall: 'getaddrinfo' }, maybeArrived: false },
    { cause: { code: 'EAI_FAIL', syscall: 'getaddrinfo' }, maybeArrived: false },
    { cause: { code: 'UND_ERR_CONNECT_TIMEOUT' }, maybeArrived: false },
    { cause: { code: 'UND_ERR_SOCKET' }, maybeArrived: true },
    { cause: { code: 'UND_ERR_HEADERS_TIMEOUT' }, maybeArrived: true },
    { cause: { code: 'SELF_SIGNED_CERT_IN_CHAIN' }, maybeArrived: false },
    { cause: { code: 'CERT_HAS_EXPIRED' }, maybeArrived: false },
    { cause: { code: 'EPIPE', syscall: 'write' }, maybeArrived: true },
  ])('may have come after the request arrived: $cause $maybeArrived', ({ cause, maybeArrived }) => {
    const error = new TypeError('fetch failed', { cause: Object.assign(new Error(), cause) })
    const fault = describeFault(error, 'https://issuer.example:8443/token?x=y')
    expect(fault.maybeArrived).toBe(maybeArrived)
    expect(fault.message).toContain('issuer.example:8443')
    expect(fault.message).toContain(cause.code)
    expect(fault.message).not.toContain('x=y')
  })
})

it('a fault at each address of a host is told by the first', () => {
  const causes = ['ETIMEDOUT', 'EPERM'].map((code) =>
    Object.assign(new Error(), { code, syscall: 'connect' }),
  )
  const error = new TypeError('fetch failed', { cause: new AggregateError(causes) })
  expect(describeFault(error, 'https://issuer.example/')).toEqual({
    message: 'issuer.example cannot be reached (ETIMEDOUT).',
    maybeArrived: false,
  })
})

describe('the words of a server', () => {
  async function wordsAfter(description: unknown): Promise<string> {
    const outcome = await refusedBy(400, { error: 'invalid_grant', error_description: description })
    return outcome.kind === 'rejected' ? outcome.failure.message : outcome.kind
  }

  it('never repeat what we sent', async () => {
    expect(await wordsAfter('unknown token rt-secret-1!')).toBe('unknown token [secret]!')
    const jwt = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.c2ln`
    expect(await wordsAfter(`bad ${jwt}.`)).not.toContain('e30')
  })

  it('never repeat a part of what we sent, as words or as a code', async () => {
    expect(await wordsAfter('unknown token rt-secret…')).toBe('unknown token [secret]…')
    expect(await refusedBy(400, { error: 'rt-secret-' })).toMatchObject({
      kind: 'unavailable',
      failure: { code: 'unavailable' },
    })
  })

  it('never repeat a client secret or an authorization code', async () => {
    const clientSecret = new Secret('the-client-secret')
    const app = scriptedApp(scripted.url, {
      type: 'web',
      tokenEndpointAuthMethod: 'client_secret_basic',
    })
    const server = connect(app)
    const asked = await server.authorize('http://localhost:3000/', { switchUser: false })
    if (asked.kind !== 'ok') throw new Error(asked.failure.message)
    scripted.answer(401, {
      error: 'invalid_client',
      error_description: 'the-client-secret does not go with the-code-of-ada',
    })
    const callback = new URL(
      `http://localhost:3000/?code=the-code-of-ada&state=${asked.value.state}`,
    )
    const outcome = await server.redeem(asked.value, callback, spending(clientSecret))
    expect(outcome).toMatchObject({
      kind: 'misconfigured',
      failure: {
        message: expect.stringMatching(/: \[secret\] does not go with \[secret\]\. /) as string,
      },
    })
  })

  it('are one printable line of at most 300 characters', async () => {
    expect(await wordsAfter('one\r\n\u001b[31mtwo\u2028three\u202e')).toBe('one [31mtwo three')
    const long = await wordsAfter('x'.repeat(5000))
    expect(long).toBe(`${'x'.repeat(299)}…`)
  })

  it.each([[42], [''], ['\n'], [null], [{}]])('are not %j', async (description) => {
    expect(await wordsAfter(description)).toBe(`127.0.0.1:${scripted.port} answered invalid_grant.`)
  })
})
