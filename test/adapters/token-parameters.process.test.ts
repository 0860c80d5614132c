/** The parameters of the config in requests to the token endpoint, and in no others. */
import { expect, it } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { REDIRECT_URI } from '../support/authorization-server.ts'
import { startFaultyServer } from '../support/faulty-server.ts'
import { connect, grantOf, scriptedApp, spending } from '../support/issuer.ts'

const TOKEN = { access_token: 'at', token_type: 'Bearer', expires_in: 60 }
const ANSWERS: Readonly<Record<string, object>> = {
  '/token': TOKEN,
  '/device': {
    device_code: 'dc',
    user_code: 'uc',
    verification_uri: 'https://as.example/device',
    expires_in: 60,
  },
  '/revoke': {},
}

it('go with every grant, and neither with a device authorization nor with a revocation', async () => {
  await using scripted = await startFaultyServer()
  scripted.respondWith(({ path }, response) => {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(ANSWERS[path] ?? {}))
  })
  const { url } = scripted
  const app = scriptedApp(url, {
    type: 'web',
    tokenEndpointAuthMethod: 'client_secret_post',
    tokenParameters: { audience: 'https://api.example/?a=b&c', 'x-flag': '' },
    endpoints: {
      authorization: `${url}/authorize`,
      token: `${url}/token`,
      deviceAuthorization: `${url}/device`,
      revocation: `${url}/revoke`,
    },
  })
  const server = connect(app)
  const secret = new Secret('s3cret')

  grantOf(await server.refresh(new Secret('rt'), spending(secret)))
  grantOf(await server.issue(secret))
  const asked = await server.authorize(REDIRECT_URI, { switchUser: false })
  if (asked.kind !== 'ok') throw new Error(asked.failure.message)
  expect(new URL(asked.value.url).searchParams.has('audience')).toBe(false)
  const callback = new URL(`${REDIRECT_URI}?code=c&state=${asked.value.state}`)
  grantOf(await server.redeem(asked.value, callback, spending(secret)))
  const device = await server.authorizeDevice(secret)
  if (device.kind !== 'ok') throw new Error(device.failure.message)
  expect((await server.poll(device.value, spending(secret))).kind).toBe('granted')
  await server.revoke(new Secret('rt'), 'refresh_token', secret)

  const sent = scripted.seen.map(({ path, form }) => ({
    to: path,
    grant: form.get('grant_type'),
    audience: form.get('audience'),
    flag: form.get('x-flag'),
  }))
  const parameters = { audience: 'https://api.example/?a=b&c', flag: '' }
  const none = { audience: null, flag: null }
  expect(sent).toEqual([
    { to: '/token', grant: 'refresh_token', ...parameters },
    { to: '/token', grant: 'client_credentials', ...parameters },
    { to: '/token', grant: 'authorization_code', ...parameters },
    { to: '/device', grant: null, ...none },
    { to: '/token', grant: 'urn:ietf:params:oauth:grant-type:device_code', ...parameters },
    { to: '/revoke', grant: null, ...none },
  ])
})
