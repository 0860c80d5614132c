/** How an app shows who it is: to a real server, and to scripted ones that list what they take. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { SigningAlgorithm } from 'oidc-provider'
import { describe, expect, it } from 'vitest'
import type { App } from '../../src/core/app.ts'
import { Secret } from '../../src/secret.ts'
import { CLIENTS, REDIRECT_URI, startAuthorizationServer } from '../support/authorization-server.ts'
import { createClientKey, keyClient, type KeyKind } from '../support/client-keys.ts'
import { startFaultyServer } from '../support/faulty-server.ts'
import { connect, grantOf, realApp, scriptedApp, signIn, spending } from '../support/issuer.ts'

const BY_KEY = { tokenEndpointAuthMethod: 'private_key_jwt' } as const

/** The app with its method left to the server. */
function unset(app: App): App {
  const { tokenEndpointAuthMethod, ...rest } = app
  return rest
}

describe('a private key', () => {
  it.each<{
    kind: KeyKind
    form: 'pem' | 'jwk'
    alg: SigningAlgorithm
    named?: object
    header: object
  }>([
    { kind: 'rsa', form: 'pem', alg: 'RS256', header: { alg: 'RS256' } },
    { kind: 'rsa', form: 'jwk', alg: 'RS256', header: { alg: 'RS256' } },
    {
      kind: 'rsa',
      form: 'jwk',
      alg: 'PS256',
      named: { alg: 'PS256', kid: 'key-7' },
      header: { alg: 'PS256', kid: 'key-7' },
    },
    { kind: 'ec', form: 'pem', alg: 'ES256', header: { alg: 'ES256' } },
    { kind: 'ed25519', form: 'pem', alg: 'EdDSA', header: { alg: 'EdDSA' } },
    {
      kind: 'ed25519',
      form: 'jwk',
      alg: 'Ed25519',
      named: { alg: 'Ed25519' },
      header: { alg: 'Ed25519' },
    },
  ])(
    '($kind, $form, $alg) signs what the server takes',
    async ({ kind, form, alg, named, header }) => {
      const { pem, jwk, publicJwk } = createClientKey(kind)
      await using real = await startAuthorizationServer({
        clients: [keyClient('robot', { ...publicJwk, ...named }, alg)],
      })
      const server = connect(realApp('service', real.issuer, { clientId: 'robot', ...BY_KEY }))
      const key = new Secret(form === 'pem' ? pem : JSON.stringify({ ...jwk, ...named }))
      expect(server.secretFault(key)).toBeUndefined()
      grantOf(await server.issue(key))
      grantOf(await server.issue(key))
      const [first, second] = real.requests.map(
        ({ form: sent }) => sent.get('client_assertion') ?? '',
      )
      expect(decodeProtectedHeader(first ?? '')).toEqual(header)
      const claims = decodeJwt(first ?? '')
      expect(claims).toMatchObject({ iss: 'robot', sub: 'robot', aud: real.issuer })
      expect(decodeJwt(second ?? '').jti).not.toBe(claims.jti)
      expect(real.requests[0]?.form.has('client_secret')).toBe(false)
    },
  )

  it('is shown wherever the app says who it is', async () => {
    const { pem, publicJwk } = createClientKey('ec')
    await using real = await startAuthorizationServer({
      clients: [
        {
          ...keyClient('site', publicJwk, 'ES256'),
          redirect_uris: [REDIRECT_URI],
          response_types: ['code'],
          grant_types: ['authorization_code', 'refresh_token'],
          scope: undefined,
        } as never,
      ],
    })
    const server = connect(realApp('web', real.issuer, { clientId: 'site', ...BY_KEY }))
    const key = new Secret(pem)
    const { refreshToken } = await signIn(server, key)
    const next = grantOf(await server.refresh(refreshToken ?? key, spending(key)))
    expect(await server.revoke(next.refreshToken ?? key, 'refresh_token', key)).toBe(true)
    expect(real.liveFamilies('site')).toEqual([])
  })

  it('signs with an algorithm that the server lists', async () => {
    await using scripted = await startFaultyServer()
    scripted.respondWith(({ path }, response) => {
      const issuer = scripted.url
      const metadata = {
        issuer,
        token_endpoint: `${issuer}/token`,
        token_endpoint_auth_signing_alg_values_supported: ['PS512', 'PS256', 'ES256'],
      }
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(path === '/token' ? { access_token: 'at' } : metadata))
    })
    const server = connect(serviceOf(scripted.url, BY_KEY))
    grantOf(await server.issue(new Secret(createClientKey('rsa').pem)))
    const assertion = scripted.seen.at(-1)?.form.get('client_assertion') ?? ''
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'PS256' })
  })

  it('that the server does not know is told with the setting', async () => {
    const { publicJwk } = createClientKey('ec')
    await using real = await startAuthorizationServer({
      clients: [keyClient('robot', publicJwk, 'ES256')],
    })
    const server = connect(realApp('service', real.issuer, { clientId: 'robot', ...BY_KEY }))
    const outcome = await server.issue(new Secret(createClientKey('ec').pem))
    expect(outcome).toMatchObject({
      kind: 'misconfigured',
      failure: {
        code: 'invalid_client',
        message: expect.stringMatching(
          /signed with the private key .*"tokenEndpointAuthMethod" of the app "evo-service"/,
        ) as string,
      },
    })
  })
})

describe('what is not of the kind that the app shows', () => {
  const { pem, jwk } = createClientKey('ec')
  it.each([
    { what: 'a client secret', secret: 's3cret', app: BY_KEY, error: 'private_key_missing' },
    {
      what: 'a public key',
      secret: JSON.stringify({ ...jwk, d: undefined }),
      app: BY_KEY,
      error: 'private_key_missing',
    },
    { what: 'a PEM key', secret: pem, app: {}, error: 'client_secret_missing' },
    { what: 'a JWK', secret: JSON.stringify(jwk), app: {}, error: 'client_secret_missing' },
    {
      what: 'the first line of a key',
      secret: '-----BEGIN PRIVATE KEY-----',
      app: {},
      error: 'client_secret_missing',
    },
  ])('$what is refused, and nothing is sent ($app)', async ({ secret, app, error }) => {
    await using scripted = await startFaultyServer()
    const server = connect(
      serviceOf(scripted.url, { ...app, endpoints: { token: `${scripted.url}/token` } }),
    )
    const given = new Secret(secret)
    expect(server.secretFault(given)).toMatchObject({ code: error })
    expect(await server.issue(given)).toMatchObject({
      kind: 'misconfigured',
      failure: { code: error },
    })
    expect(scripted.seen).toEqual([])
  })

  it('nothing is, for an app that shows none', () => {
    expect(connect(realApp('native', 'https://as.example')).secretFault(new Secret(pem))).toBe(
      undefined,
    )
  })
})

describe('a method that the config does not name', () => {
  const POST = { client_secret: 's3cret' }
  const BASIC = `Basic ${Buffer.from('service-evo-pipeline:s3cret').toString('base64')}`

  it.each([
    { listed: ['client_secret_basic', 'client_secret_post'], form: POST },
    { listed: ['client_secret_post'], form: POST },
    { listed: ['private_key_jwt', 'client_secret_basic'], authorization: BASIC },
    { listed: ['tls_client_auth'], form: POST },
    { listed: [], form: POST },
    { listed: 'client_secret_basic', form: POST },
    { listed: undefined, form: POST },
  ])('is what the metadata lists: $listed', async ({ listed, form = {}, authorization }) => {
    await using scripted = await startFaultyServer()
    const issuer = scripted.url
    scripted.respondWith(({ path }, response) => {
      const metadata = {
        issuer,
        token_endpoint: `${issuer}/token`,
        token_endpoint_auth_methods_supported: listed,
      }
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(path === '/token' ? { access_token: 'at' } : metadata))
    })
    grantOf(await connect(unset(serviceOf(issuer))).issue(new Secret('s3cret')))
    const sent = scripted.seen.at(-1)
    expect(Object.fromEntries(sent?.form ?? [])).toMatchObject(form)
    expect(sent?.form.has('client_secret')).toBe('client_secret' in form)
    expect(sent?.headers.authorization).toBe(authorization)
  })

  it('is client_secret_post where the config suffices, and no metadata is asked for', async () => {
    await using scripted = await startFaultyServer()
    scripted.answer(200, { access_token: 'at' })
    const app = unset(scriptedApp(scripted.url, { type: 'service' }))
    grantOf(await connect(app).issue(new Secret('s3cret')))
    expect(scripted.seen.map(({ path }) => path)).toEqual(['/token'])
    expect(scripted.seen[0]?.form.get('client_secret')).toBe('s3cret')
  })

  it('and is refused is told, with what else the server lists', async () => {
    await using scripted = await startFaultyServer()
    const issuer = scripted.url
    const metadata = {
      issuer,
      token_endpoint: `${issuer}/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    }
    scripted.respondWith(({ path, form }, response) => {
      const refused = form.has('client_secret')
      const answer = refused ? { error: 'invalid_client' } : { access_token: 'at' }
      response
        .writeHead(path === '/token' && refused ? 401 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(path === '/token' ? answer : metadata))
    })
    const app = unset(serviceOf(issuer))
    expect(await connect(app).issue(new Secret('s3cret'))).toMatchObject({
      kind: 'misconfigured',
      failure: {
        code: 'invalid_client',
        message: expect.stringContaining(
          'The client secret was sent in the form (client_secret_post). Where the server expects another way, set "tokenEndpointAuthMethod" of the app "evo-service" in the config to client_secret_basic.',
        ) as string,
      },
    })
    const mended = { ...app, tokenEndpointAuthMethod: 'client_secret_basic' } as const
    grantOf(await connect(mended).issue(new Secret('s3cret')))
  })
})

describe('a refusal of the client', () => {
  it.each([
    { status: 401, body: { error: 'invalid_client', error_description: 'Who?' } },
    { status: 400, body: { error: 'invalid_client' } },
    { status: 401, body: {} },
  ])('with $status $body names the setting', async ({ status, body }) => {
    await using scripted = await startFaultyServer()
    scripted.answer(status, body)
    const app = scriptedApp(scripted.url, { type: 'web', tokenEndpointAuthMethod: 'none' })
    const outcome = await connect(app).refresh(new Secret('rt'), spending())
    expect(outcome).toMatchObject({
      failure: {
        message: expect.stringMatching(
          /No client secret was sent .*"tokenEndpointAuthMethod"/,
        ) as string,
      },
    })
  })

  it('does not name it for an app that cannot have another one', async () => {
    await using scripted = await startFaultyServer()
    scripted.answer(401, { error: 'invalid_client' })
    const outcome = await connect(scriptedApp(scripted.url)).refresh(new Secret('rt'), spending())
    expect(outcome).toMatchObject({
      failure: { message: expect.not.stringContaining('tokenEndpointAuthMethod') as string },
    })
  })
})

/** A service app whose server says everything else about itself. */
function serviceOf(issuer: string, overrides: Partial<App> = {}): App {
  return realApp('service', issuer, { clientId: CLIENTS.service.clientId, ...overrides })
}
