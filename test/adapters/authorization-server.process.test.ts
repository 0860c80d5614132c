import { describe, expect, it } from 'vitest'
import type {
  AuthorizationRequest,
  AuthorizationServer,
} from '../../src/core/authorization-server.ts'
import { Secret } from '../../src/secret.ts'
import {
  CLIENTS,
  EVO_SCOPES,
  REDIRECT_URI,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import { startFaultyServer } from '../support/faulty-server.ts'
import { freePort } from '../support/free-port.ts'
import {
  connect,
  grantOf,
  realApp,
  scriptedApp,
  secretOf,
  signIn,
  spending,
  USER_SCOPES,
} from '../support/issuer.ts'
import { createPerson } from '../support/person.ts'
import { createProviderStore } from '../support/provider-store.ts'

async function authorizationRequest(
  server: AuthorizationServer,
  switchUser = false,
): Promise<AuthorizationRequest> {
  const asked = await server.authorize(REDIRECT_URI, { switchUser })
  if (asked.kind !== 'ok') throw new Error(asked.failure.message)
  return asked.value
}

describe('a sign-in', () => {
  it.each(['native', 'spa', 'web'] as const)('brings tokens to a %s app', async (type) => {
    await using real = await startAuthorizationServer({ accessTokenTtlS: 1234 })
    const grant = await signIn(connect(realApp(type, real.issuer)), secretOf(type))
    expect(grant).toMatchObject({
      accessToken: expect.any(Secret) as Secret,
      refreshToken: expect.any(Secret) as Secret,
      lifetimeMs: 1_234_000,
      scope: EVO_SCOPES.join(' '),
      subject: { id: 'ada', name: 'ada@example.com' },
    })
    const [request] = real.requests
    expect(request?.clientId).toBe(CLIENTS[type].clientId)
    expect(request?.form.get('code_verifier')).toMatch(/^[\w-]{43,}$/)
  })

  it('works with a client secret of any characters in the Authorization header', async () => {
    const clientSecret = 'p:a%20+ &=/?~*'
    await using real = await startAuthorizationServer({
      clients: [
        {
          client_id: 'web basic',
          client_secret: clientSecret,
          token_endpoint_auth_method: 'client_secret_basic',
          redirect_uris: [REDIRECT_URI],
          grant_types: ['authorization_code', 'refresh_token'],
        },
      ],
    })
    const server = connect(
      realApp('web', real.issuer, {
        clientId: 'web basic',
        tokenEndpointAuthMethod: 'client_secret_basic',
      }),
    )
    const secret = new Secret(clientSecret)
    const { refreshToken } = await signIn(server, secret)
    expect(refreshToken).toBeDefined()
    expect(real.requests[0]?.form.has('client_secret')).toBe(false)
  })

  it('sends the redirect URI letter by letter, also one that a URL parser would change', async () => {
    const redirectUri = 'http://localhost:3000'
    await using real = await startAuthorizationServer({ redirectUris: [redirectUri] })
    const server = connect(realApp('native', real.issuer))
    const asked = await server.authorize(redirectUri, { switchUser: false })
    if (asked.kind !== 'ok') throw new Error(asked.failure.message)
    const { url } = await createPerson('ada').visit(asked.value.url, { stopAt: redirectUri })
    grantOf(await server.redeem(asked.value, new URL(url), spending()))
    expect(real.requests[0]?.form.get('redirect_uri')).toBe(redirectUri)
  })

  it('asks with PKCE, a state, the scopes and the parameters of the config, and nothing else', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(
      realApp('native', real.issuer, {
        authorizationParameters: { prompt: 'consent', audience: 'evo', code_challenge: 'mine' },
      }),
    )
    const { url, state } = await authorizationRequest(server)
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      client_id: CLIENTS.native.clientId,
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: USER_SCOPES.join(' '),
      state,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
      prompt: 'consent',
      audience: 'evo',
    })
    expect(state).toMatch(/^[\w-]{43}$/)
    expect((await authorizationRequest(server)).state).not.toBe(state)
  })

  it.each([
    { prompt: undefined, sent: 'login' },
    { prompt: 'none', sent: 'login' },
    { prompt: 'consent', sent: 'login consent' },
    { prompt: 'select_account consent', sent: 'login consent' },
  ])('asks who is there to switch users, where prompt is $prompt', async ({ prompt, sent }) => {
    const server = connect(
      scriptedApp('https://issuer.example', {
        authorizationParameters: prompt === undefined ? {} : { prompt },
      }),
    )
    const { url } = await authorizationRequest(server, true)
    expect(new URL(url).searchParams.get('prompt')).toBe(sent)
  })

  it('lets another person in to switch users, although the browser is still signed in', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const browser = createPerson('grace')
    await signIn(server, undefined, browser)
    const request = await authorizationRequest(server, true)
    const { url } = await browser.visit(request.url, { stopAt: REDIRECT_URI })
    const { subject } = grantOf(await server.redeem(request, new URL(url), spending()))
    expect(subject?.id).toBe('grace')
  })

  it("is rejected with the server's words when the person says no", async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const request = await authorizationRequest(server)
    const { url } = await createPerson('ada').visit(request.url, {
      cancel: true,
      stopAt: REDIRECT_URI,
    })
    expect(await server.redeem(request, new URL(url), spending())).toEqual({
      kind: 'rejected',
      failure: { code: 'access_denied', message: 'End-User aborted interaction' },
    })
    expect(real.requests).toEqual([])
  })

  it('is rejected when the code was redeemed before', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const request = await authorizationRequest(server)
    const { url } = await createPerson('ada').visit(request.url, { stopAt: REDIRECT_URI })
    grantOf(await server.redeem(request, new URL(url), spending()))
    expect(await server.redeem(request, new URL(url), spending())).toMatchObject({
      kind: 'rejected',
      failure: { code: 'invalid_grant' },
    })
  })

  it('is rejected by the server when the code was stolen: PKCE binds it to its request', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const request = await authorizationRequest(server)
    const { url } = await createPerson('ada').visit(request.url, { stopAt: REDIRECT_URI })
    const other = await authorizationRequest(server)
    const forged = { ...request, codeVerifier: other.codeVerifier }
    expect(await server.redeem(forged, new URL(url), spending())).toMatchObject({
      kind: 'rejected',
      failure: { code: 'invalid_grant' },
    })
  })

  it.each([
    {
      fault: 'another state',
      change: (url: URL) => {
        url.searchParams.set('state', 'forged')
      },
      error: 'invalid_state',
    },
    {
      fault: 'no state',
      change: (url: URL) => {
        url.searchParams.delete('state')
      },
      error: 'invalid_state',
    },
    {
      fault: 'another issuer',
      change: (url: URL) => {
        url.searchParams.set('iss', 'https://evil.example')
      },
      error: 'invalid_issuer',
    },
    {
      fault: 'no issuer, from a server that announces to name itself',
      change: (url: URL) => {
        url.searchParams.delete('iss')
      },
      error: 'invalid_issuer',
    },
    {
      fault: 'two codes',
      change: (url: URL) => {
        url.searchParams.append('code', 'another')
      },
      error: 'invalid_response',
    },
    {
      fault: 'no code',
      change: (url: URL) => {
        url.searchParams.delete('code')
      },
      error: 'invalid_response',
    },
  ])('sends nothing for a response with $fault', async ({ change, error }) => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const request = await authorizationRequest(server)
    const { url } = await createPerson('ada').visit(request.url, { stopAt: REDIRECT_URI })
    const callback = new URL(url)
    change(callback)
    let asked = 0
    const outcome = await server.redeem(request, callback, {
      clientSecret: undefined,
      question: async () => {
        asked += 1
        return undefined
      },
    })
    expect(outcome).toMatchObject({ kind: 'rejected', failure: { code: error } })
    expect({ asked, sent: real.requests }).toEqual({ asked: 0, sent: [] })
    // The right response, arriving later, still counts.
    grantOf(await server.redeem(request, new URL(url), spending()))
  })
})

describe('a redirect URI that an app of another issuer has, too', () => {
  const shared = { sharesRedirectUri: true }

  it('is used where the server says who it is in its responses', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer, shared))
    expect(await signIn(server)).toMatchObject({ subject: { id: 'ada' } })
  })

  it('is used also where the endpoints are in the config, and the rest has to be looked up', async () => {
    await using real = await startAuthorizationServer()
    const endpoints = { authorization: `${real.issuer}/auth`, token: `${real.issuer}/token` }
    const server = connect(realApp('native', real.issuer, { ...shared, endpoints }))
    expect(await signIn(server)).toMatchObject({ subject: { id: 'ada' } })
    const request = await authorizationRequest(server)
    const anonymous = new URL(`${REDIRECT_URI}?code=1&state=${request.state}`)
    expect(await server.redeem(request, anonymous, spending())).toMatchObject({
      kind: 'rejected',
      failure: { code: 'invalid_issuer' },
    })
  })

  it('is refused where the server does not, with the way out', async () => {
    await using server = await startFaultyServer()
    server.answer(200, { issuer: server.url })
    expect(
      await connect(scriptedApp(server.url, shared)).authorize(REDIRECT_URI, { switchUser: false }),
    ).toEqual({
      kind: 'failed',
      code: 'misconfigured',
      failure: {
        code: 'shared_redirect_uri',
        message: expect.stringMatching(/RFC 9207.*redirect URI of its own/) as string,
      },
    })
  })
})

describe('a refresh', () => {
  it('brings the next access token and the next refresh token', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    let { accessToken, refreshToken } = await signIn(server)
    for (const generation of [0, 1, 2]) {
      if (!refreshToken) throw new Error('no refresh token')
      const next = grantOf(await server.refresh(refreshToken, spending()))
      expect(real.requests.at(-1)).toMatchObject({ grantType: 'refresh_token', generation })
      expect(next.accessToken.sha256).not.toBe(accessToken.sha256)
      expect(next.refreshToken?.sha256).not.toBe(refreshToken.sha256)
      ;({ accessToken, refreshToken } = next)
    }
    expect(real.requests.at(-1)?.form.has('scope')).toBe(false)
  })

  it('keeps the refresh token where the server does not rotate it', async () => {
    await using real = await startAuthorizationServer({ rotate: false })
    const server = connect(realApp('native', real.issuer))
    const { refreshToken } = await signIn(server)
    if (!refreshToken) throw new Error('no refresh token')
    const next = grantOf(await server.refresh(refreshToken, spending()))
    expect(next.refreshToken?.sha256).toBe(refreshToken.sha256)
  })

  it('is rejected for an old refresh token, which ends the session', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const { refreshToken: first } = await signIn(server)
    if (!first) throw new Error('no refresh token')
    const { refreshToken: second } = grantOf(await server.refresh(first, spending()))
    if (!second) throw new Error('no refresh token')
    const rejected = { kind: 'rejected', failure: { code: 'invalid_grant' } }
    expect(await server.refresh(first, spending())).toMatchObject(rejected)
    expect(await server.refresh(second, spending())).toMatchObject(rejected)
  })

  it('works for a web app with its secret, and says what is wrong without', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('web', real.issuer))
    const secret = secretOf('web')
    const { refreshToken } = await signIn(server, secret)
    if (!refreshToken) throw new Error('no refresh token')
    const sent = real.requests.length
    expect(await server.refresh(refreshToken, spending())).toEqual({
      kind: 'misconfigured',
      failure: {
        code: 'client_secret_missing',
        message: 'No client secret is stored for "evo-web".',
      },
    })
    expect(real.requests).toHaveLength(sent)
    grantOf(await server.refresh(refreshToken, spending(secret)))
  })

  it('waits for the vault, and asks it once, immediately before anything is sent', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const { refreshToken } = await signIn(server)
    if (!refreshToken) throw new Error('no refresh token')
    const seen: number[] = []
    const outcome = await server.refresh(refreshToken, {
      clientSecret: undefined,
      question: async () => {
        seen.push(real.count('refresh_token'))
        return undefined
      },
    })
    expect(outcome.kind).toBe('granted')
    expect(seen).toEqual([0])
  })

  it('is kept here by the answer to the last question, for a reason that is told', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const failure = { code: 'not_home', message: 'Another host has the session.' }
    const outcome = await server.refresh(new Secret('some refresh token'), {
      clientSecret: undefined,
      question: async () => failure,
    })
    expect(outcome).toEqual({ kind: 'unavailable', failure, answerLost: false })
    expect(real.requests).toEqual([])
  })
})

describe('an answer that the server gave and that never arrived', () => {
  it('may be lost, and is: the refresh token that we still have is spent', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const refreshToken = new Secret(await real.mintRefreshToken(CLIENTS.native.clientId, 'ada'))
    const pass = real.intercept
    real.intercept = async (_request, act) => {
      await act()
      return 'cut'
    }
    expect(await server.refresh(refreshToken, spending())).toMatchObject({
      kind: 'unavailable',
      answerLost: true,
    })
    real.intercept = pass
    expect(await server.refresh(refreshToken, spending())).toMatchObject({
      kind: 'rejected',
      failure: { code: 'invalid_grant' },
    })
    expect(real.requests.map(({ generation }) => generation)).toEqual([0, 0])
  })
})

describe('an authorization server that is down for a while', () => {
  it('knows the session when it is back', async () => {
    const store = createProviderStore()
    const first = await startAuthorizationServer({ store })
    const server = connect(realApp('native', first.issuer))
    const { refreshToken } = await signIn(server)
    if (!refreshToken) throw new Error('no refresh token')
    await first.close()
    expect(await server.refresh(refreshToken, spending())).toMatchObject({
      kind: 'unavailable',
      answerLost: false,
    })
    const port = Number(new URL(first.issuer).port)
    await using second = await startAuthorizationServer({ store, port })
    grantOf(await server.refresh(refreshToken, spending()))
    expect(second.requests).toMatchObject([{ grantType: 'refresh_token', generation: 0 }])
  })
})

describe('a service app', () => {
  it('gets tokens with its own credentials, and no refresh token', async () => {
    await using real = await startAuthorizationServer({ accessTokenTtlS: 600 })
    const server = connect(realApp('service', real.issuer))
    const grant = grantOf(await server.issue(secretOf('service')))
    expect(grant).toMatchObject({ lifetimeMs: 600_000, scope: EVO_SCOPES.join(' ') })
    expect(grant.refreshToken).toBeUndefined()
    expect(real.count('client_credentials', CLIENTS.service.clientId)).toBe(1)
  })

  it.each([
    {
      fault: 'a wrong secret',
      secret: new Secret('not the secret'),
      scopes: EVO_SCOPES,
      error: 'invalid_client',
    },
    {
      fault: 'a scope that it may not ask for',
      secret: secretOf('service'),
      scopes: ['evo.discovery', 'offline_access'],
      error: 'invalid_scope',
    },
  ])('is misconfigured with $fault', async ({ secret, scopes, error }) => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('service', real.issuer, { scopes }))
    expect(await server.issue(secret)).toMatchObject({
      kind: 'misconfigured',
      failure: {
        code: error,
        message: expect.stringMatching(/^127\.0\.0\.1:\d+ does not .+: .+/) as string,
      },
    })
  })

  it('is misconfigured where its client may not use the grant', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    expect(await server.issue(undefined)).toMatchObject({
      kind: 'misconfigured',
      failure: {
        code: expect.stringMatching(/^(invalid_request|unauthorized_client)$/) as string,
      },
    })
  })
})

describe('opaque access tokens', () => {
  it('tell neither who signed in nor anything else, and are good all the same', async () => {
    await using real = await startAuthorizationServer({ accessTokenFormat: 'opaque' })
    const grant = await signIn(connect(realApp('native', real.issuer)))
    expect(grant.lifetimeMs).toBe(3_600_000)
    expect(grant.subject).toBeUndefined()
  })
})

describe('a sign-in on another device', () => {
  async function start(server: AuthorizationServer) {
    const asked = await server.authorizeDevice(undefined)
    if (asked.kind !== 'ok') throw new Error(asked.failure.message)
    return asked.value
  }

  it('is pending until the person typed the code', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const authorization = await start(server)
    expect(authorization).toMatchObject({
      userCode: expect.stringMatching(/^\w{4}-\w{4}$/) as string,
      verificationUri: `${real.issuer}/device`,
      expiresInMs: 600_000,
      intervalMs: 5_000,
    })
    const pending = { kind: 'pending', slowDown: false }
    expect(await server.poll(authorization, spending())).toEqual(pending)
    const page = await createPerson('ada').enterCode(
      authorization.verificationUri,
      authorization.userCode,
    )
    expect(page.text).toContain('Sign-in Success')
    const outcome = await server.poll(authorization, spending())
    expect(outcome).toMatchObject({
      kind: 'granted',
      grant: { subject: { id: 'ada' }, refreshToken: expect.any(Secret) as Secret },
    })
  })

  it('is rejected when the person says no', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('native', real.issuer))
    const authorization = await start(server)
    const complete = authorization.verificationUriComplete ?? ''
    await createPerson('ada').enterCode(complete, authorization.userCode, { cancel: true })
    expect(await server.poll(authorization, spending())).toMatchObject({
      kind: 'rejected',
      failure: { code: 'access_denied' },
    })
  })

  it.each([
    { error: 'slow_down', expected: { kind: 'pending', slowDown: true } },
    { error: 'expired_token', expected: { kind: 'rejected', failure: { code: 'expired_token' } } },
  ])('knows $error', async ({ error, expected }) => {
    await using scripted = await startFaultyServer()
    scripted.answer(400, { error })
    const authorization = {
      deviceCode: new Secret('device'),
      userCode: 'AB',
      verificationUri: 'https://issuer.example/device',
      expiresInMs: 1,
      intervalMs: 1,
    }
    const outcome = await connect(scriptedApp(scripted.url)).poll(authorization, spending())
    expect(outcome).toMatchObject(expected)
  })

  it('takes what servers leave out or misspell in the device response', async () => {
    await using scripted = await startFaultyServer()
    scripted.answer(201, {
      device_code: 'secret-device-code',
      user_code: 'AB\u0007-CD',
      verification_url: `${scripted.url}/device`,
      verification_uri_complete: 'javascript:alert(1)',
      expires_in: '300',
      interval: 0,
    })
    const server = connect(
      scriptedApp(scripted.url, {
        endpoints: { token: `${scripted.url}/t`, deviceAuthorization: `${scripted.url}/d` },
      }),
    )
    expect(await start(server)).toEqual({
      deviceCode: expect.objectContaining({
        sha256: new Secret('secret-device-code').sha256,
      }) as Secret,
      userCode: 'AB -CD',
      verificationUri: `${scripted.url}/device`,
      expiresInMs: 300_000,
      intervalMs: 5_000,
    })
  })

  it.each([
    { status: 400, body: { error: 'unauthorized_client' }, code: 'misconfigured' },
    { status: 503, body: {}, code: 'unavailable' },
    { status: 200, body: { user_code: 'AB' }, code: 'unavailable' },
  ])('fails as $code after $status $body', async ({ status, body, code }) => {
    await using scripted = await startFaultyServer()
    scripted.answer(status, body)
    const server = connect(
      scriptedApp(scripted.url, {
        endpoints: { token: `${scripted.url}/t`, deviceAuthorization: `${scripted.url}/d` },
      }),
    )
    expect(await server.authorizeDevice(undefined)).toMatchObject({ kind: 'failed', code })
  })

  it('says so where the server does not offer it', async () => {
    await using scripted = await startFaultyServer()
    scripted.answer(200, { issuer: scripted.url, token_endpoint: `${scripted.url}/token` })
    expect(await connect(scriptedApp(scripted.url)).authorizeDevice(undefined)).toEqual({
      kind: 'failed',
      code: 'misconfigured',
      failure: {
        code: 'no_endpoint',
        message: expect.stringMatching(
          /does not offer the device flow.*"deviceAuthorizationEndpoint"/,
        ) as string,
      },
    })
  })
})

describe('a revocation', () => {
  it('ends the session at the server', async () => {
    await using real = await startAuthorizationServer()
    const server = connect(realApp('web', real.issuer))
    const secret = secretOf('web')
    const { refreshToken } = await signIn(server, secret)
    if (!refreshToken) throw new Error('no refresh token')
    expect(await server.revoke(refreshToken, 'refresh_token', secret)).toBe(true)
    expect(await server.refresh(refreshToken, spending(secret))).toMatchObject({
      kind: 'rejected',
      failure: { code: 'invalid_grant' },
    })
  })

  it('says which kind of token it is about', async () => {
    await using scripted = await startFaultyServer()
    scripted.answer(200, '')
    const server = connect(
      scriptedApp(scripted.url, { endpoints: { revocation: `${scripted.url}/revoke` } }),
    )
    expect(await server.revoke(new Secret('the-token'), 'access_token', undefined)).toBe(true)
    expect(Object.fromEntries(scripted.seen[0]?.form ?? [])).toEqual({
      token: 'the-token',
      token_type_hint: 'access_token',
      client_id: 'native-1',
    })
  })

  it.each([
    { answer: 'status 400', status: 400, body: { error: 'unsupported_token_type' } },
    { answer: 'status 503', status: 503, body: '' },
    { answer: 'a redirect', status: 302, body: '' },
    { answer: 'status 204', status: 204, body: '' },
  ])('is not confirmed by $answer', async ({ status, body }) => {
    await using scripted = await startFaultyServer()
    scripted.answer(status, body)
    const server = connect(
      scriptedApp(scripted.url, { endpoints: { revocation: `${scripted.url}/revoke` } }),
    )
    expect(await server.revoke(new Secret('rt-1'), 'refresh_token', undefined)).toBe(false)
  })

  it('is not confirmed where no server answers, or none could', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`
    const server = connect(scriptedApp(nobody, { endpoints: { revocation: `${nobody}/revoke` } }))
    expect(await server.revoke(new Secret('rt-1'), 'refresh_token', undefined)).toBe(false)
    await using scripted = await startFaultyServer()
    scripted.answer(200, { issuer: scripted.url })
    const without = connect(scriptedApp(scripted.url))
    expect(await without.revoke(new Secret('rt-1'), 'refresh_token', undefined)).toBe(false)
  })
})

describe('endpoints', () => {
  it('of the config are used without asking for metadata', async () => {
    await using scripted = await startFaultyServer()
    scripted.answer(200, { access_token: 'at', token_type: 'Bearer', expires_in: 60 })
    const server = connect(scriptedApp(scripted.url))
    grantOf(await server.refresh(new Secret('rt-1'), spending()))
    await authorizationRequest(server)
    expect(scripted.seen.map(({ path }) => path)).toEqual(['/token'])
  })

  it('of the config win over the published ones', async () => {
    await using real = await startAuthorizationServer()
    await using scripted = await startFaultyServer()
    scripted.answer(400, { error: 'invalid_grant' })
    const token = `${scripted.url}/elsewhere`
    const server = connect(realApp('native', real.issuer, { endpoints: { token } }))
    const request = await authorizationRequest(server)
    expect(new URL(request.url).origin).toBe(real.issuer)
    expect(await server.refresh(new Secret('rt-1'), spending())).toMatchObject({ kind: 'rejected' })
    expect(scripted.seen.map(({ path }) => path)).toEqual(['/elsewhere'])
    const authorization = `${scripted.url}/authorize-here`
    const other = connect(realApp('native', real.issuer, { endpoints: { authorization } }))
    expect((await authorizationRequest(other)).url).toContain(`${authorization}?`)
  })

  it('are never used without TLS but on this machine', async () => {
    const server = connect(
      scriptedApp('https://issuer.example', {
        endpoints: { token: 'http://issuer.example/token' },
      }),
    )
    expect(await server.refresh(new Secret('rt-1'), spending())).toEqual({
      kind: 'misconfigured',
      failure: {
        code: 'no_endpoint',
        message: '"tokenEndpoint" of the app "evo-me" is not an https URL.',
      },
    })
  })

  it('that are nowhere named are asked for by their setting', async () => {
    await using scripted = await startFaultyServer()
    const server = connect(scriptedApp(scripted.url, { endpoints: {} }))
    expect(await server.refresh(new Secret('rt-1'), spending())).toEqual({
      kind: 'misconfigured',
      failure: {
        code: 'no_endpoint',
        message: `${scripted.url} publishes no metadata (status 404). So its token endpoint is not known. Correct "issuer" in the config, or set "tokenEndpoint" of the app "evo-me" there.`,
      },
    })
  })

  it('that cannot be looked up now are no fault of the config', async () => {
    const port = await freePort()
    const server = connect(scriptedApp(`http://127.0.0.1:${port}`, { endpoints: {} }))
    expect(await server.refresh(new Secret('rt-1'), spending())).toEqual({
      kind: 'unavailable',
      answerLost: false,
      failure: {
        code: 'unavailable',
        message: `127.0.0.1:${port} cannot be reached (ECONNREFUSED).`,
      },
    })
  })
})
