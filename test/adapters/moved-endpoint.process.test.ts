/** An endpoint that is not where it was: what the server publishes now says where it is. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { createHandClock } from '../faults/hand-clock.ts'
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts'
import { freePort } from '../support/free-port.ts'
import { connect, grantOf, scriptedApp, spending } from '../support/issuer.ts'

const GOOD = { access_token: 'at-2', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt-2' }

let scripted: FaultyServer
/** Where the server says that its endpoints are, and where they are. */
let published: string
let origin: string
let actual: string
let gone: { status: number; headers?: Record<string, string>; body?: string }

beforeEach(async () => {
  published = actual = '/token'
  gone = { status: 404 }
  scripted = await startFaultyServer(({ path }, response) => {
    if (path === '/.well-known/openid-configuration') {
      const metadata = {
        issuer: scripted.url,
        token_endpoint: `${origin}${published}`,
        revocation_endpoint: `${scripted.url}${published}/revoke`,
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata))
    } else if (path.startsWith(actual)) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(GOOD))
    } else {
      response.writeHead(gone.status, gone.headers).end(gone.body)
    }
  })
  origin = scripted.url
})
afterEach(() => scripted.close())

function world(overrides: Parameters<typeof scriptedApp>[1] = { endpoints: {} }) {
  const clock = createHandClock()
  const server = connect(scriptedApp(scripted.url, overrides), {
    clock,
    startTimeLimit: clock.startTimeLimit,
  })
  return { clock, refresh: () => server.refresh(new Secret('rt-1'), spending()), server }
}

function paths(): readonly string[] {
  return scripted.seen.map(({ path }) => path)
}

it.each([
  { status: 404 },
  { status: 405 },
  { status: 410, body: '{"error":"gone"}' },
  { status: 302, headers: { location: '/login' } },
  { status: 307, headers: { location: 'https://other.example/token' } },
  { status: 308, headers: { location: '/oauth/token' } },
])('is found again after $status, at once', async (answer) => {
  gone = answer
  const { clock, refresh } = world()
  grantOf(await refresh())
  clock.pass(60_000)
  published = actual = '/oauth/token'
  expect(grantOf(await refresh()).refreshToken?.expose()).toBe('rt-2')
  expect(paths().slice(2)).toEqual(['/token', '/.well-known/openid-configuration', '/oauth/token'])
})

it('is told as what it is where nothing else is published, and not looked for again at once', async () => {
  const { clock, refresh } = world()
  grantOf(await refresh())
  clock.pass(60_000)
  actual = '/nowhere'
  expect(await refresh()).toMatchObject({ kind: 'unavailable', answerLost: false })
  expect(await refresh()).toMatchObject({ kind: 'unavailable' })
  const looks = paths().filter((path) => path.startsWith('/.well-known'))
  expect(looks).toHaveLength(2)
})

it('is found again where the host of its own is gone, and nothing was sent', async () => {
  const { clock, refresh } = world()
  const gone = `http://127.0.0.1:${await freePort()}`
  origin = gone
  expect(await refresh()).toMatchObject({ kind: 'unavailable', answerLost: false })
  clock.pass(60_000)
  origin = scripted.url
  grantOf(await refresh())
  expect(paths()).toEqual([
    '/.well-known/openid-configuration',
    '/.well-known/openid-configuration',
    '/token',
  ])
})

it('is looked for again where the metadata named none', async () => {
  const { clock, refresh } = world()
  origin = 'no URL'
  expect(await refresh()).toMatchObject({
    kind: 'misconfigured',
    failure: { message: expect.stringContaining('name no usable token endpoint') as string },
  })
  origin = scripted.url
  expect(await refresh()).toMatchObject({ kind: 'misconfigured' })
  clock.pass(10_000)
  grantOf(await refresh())
})

it('stays where the config says that it is', async () => {
  const { refresh } = world({ endpoints: { token: `${scripted.url}/old` } })
  expect(await refresh()).toMatchObject({ kind: 'unavailable' })
  expect(paths()).toEqual(['/old'])
})

it('is found again for a revocation, too', async () => {
  const { clock, server } = world()
  expect(await server.revoke(new Secret('rt-1'), 'refresh_token', undefined)).toBe(true)
  clock.pass(60_000)
  published = actual = '/oauth'
  expect(await server.revoke(new Secret('rt-1'), 'refresh_token', undefined)).toBe(true)
  expect(paths().at(-1)).toBe('/oauth/revoke')
})
