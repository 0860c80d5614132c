import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IssuerFetch } from '../../src/adapters/server/issuer-fetch.ts'
import { createMetadataSource, type MetadataOptions } from '../../src/adapters/server/metadata.ts'
import { createTimeLimits } from '../../src/adapters/server/time-limit.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { HOUR, later, NOW, recordingLog, SECOND } from '../support/builders.ts'
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts'
import { freePort } from '../support/free-port.ts'
import { directFetch, systemClock } from '../support/issuer.ts'

const OIDC = '/.well-known/openid-configuration'
const OAUTH = '/.well-known/oauth-authorization-server'

let scripted: FaultyServer
let directory: string
beforeEach(async () => {
  scripted = await startFaultyServer()
  directory = await mkdtemp(join(tmpdir(), 'evo-token-metadata-'))
})
afterEach(async () => {
  await scripted.close()
  await rm(directory, { recursive: true })
})

/** A source whose clock a test sets, by milliseconds since its start. */
function startSource(options: Partial<MetadataOptions> = {}) {
  const clock = { elapsedMs: 0, read: () => later(clock.elapsedMs) }
  const log = recordingLog()
  const startTimeLimit = createTimeLimits(systemClock)
  return {
    clock,
    log,
    source: createMetadataSource({ fetch: directFetch, clock, log, startTimeLimit, ...options }),
  }
}

function asked(): string[] {
  return scripted.seen.map(({ path }) => path)
}

/** Answers each path of `pages` with 200 and that body, and all others with 404. */
function publish(pages: Record<string, unknown>): void {
  scripted.respondWith(({ path }, response) => {
    response
      .writeHead(path in pages ? 200 : 404, { 'content-type': 'application/json' })
      .end(JSON.stringify(pages[path] ?? {}))
  })
}

describe('discovery', () => {
  it('understands a real server', async () => {
    await using real = await startAuthorizationServer()
    const { issuer } = real
    expect(await startSource().source.of(issuer)).toEqual({
      kind: 'found',
      metadata: {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        revocation_endpoint: `${issuer}/token/revocation`,
        device_authorization_endpoint: `${issuer}/device/auth`,
        authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: expect.arrayContaining([
          'client_secret_post',
          'private_key_jwt',
        ]) as string[],
        token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining([
          'RS256',
        ]) as string[],
      },
    })
  })

  it('looks in both places, each where its standard puts it', async () => {
    const issuer = `${scripted.url}/tenant/7`
    publish({ [`${OAUTH}/tenant/7`]: { issuer, token_endpoint: `${issuer}/token` } })
    expect(await startSource().source.of(issuer)).toMatchObject({ kind: 'found' })
    expect(asked()).toEqual([`/tenant/7${OIDC}`, `${OAUTH}/tenant/7`])
  })

  it('is content with the first place', async () => {
    publish({ [OIDC]: { issuer: `${scripted.url}/` } })
    expect(await startSource().source.of(scripted.url)).toMatchObject({ kind: 'found' })
    expect(asked()).toEqual([OIDC])
  })

  it('does not let a server speak for another one', async () => {
    publish({
      [OIDC]: { issuer: 'https://other.example', token_endpoint: 'https://other.example/' },
    })
    expect(await startSource().source.of(scripted.url)).toEqual({
      kind: 'absent',
      failure: {
        code: 'no_metadata',
        message: `${scripted.url}${OIDC} speaks for an issuer that calls itself https://other.example: write that as "issuer", exactly so, instead of ${scripted.url}.`,
      },
    })
  })

  it.each([
    { named: (url: string) => `${url}/realms/evo/`, says: '/realms/evo/: write that as "issuer"' },
    {
      named: () => 'https://login.microsoftonline.com/{tenantid}/v2.0',
      says: 'stands for every tenant, and calls itself https://login.microsoftonline.com/{tenantid}/v2.0: write the id of yours',
    },
    {
      named: () => 'http://keycloak.internal:8080/realms/evo',
      says: 'calls itself http://keycloak.internal:8080/realms/evo, without TLS: the server does not know its own address.',
    },
    { named: () => 'no URL at all', says: 'speaks for another issuer, not for' },
    { named: () => 'javascript:alert(1)', says: 'speaks for another issuer, not for' },
  ])('says how a server calls itself: $says', async ({ named, says }) => {
    const issuer = `${scripted.url}/realms/evo`
    publish({
      [`/realms/evo${OIDC}`]: { issuer: named(scripted.url), token_endpoint: `${issuer}/token` },
    })
    expect(await startSource().source.of(issuer)).toMatchObject({
      kind: 'absent',
      failure: { message: expect.stringContaining(says) as string },
    })
  })

  it('says what the issuer is where the config has the address of its metadata', async () => {
    publish({ [OIDC]: { issuer: scripted.url, token_endpoint: `${scripted.url}/token` } })
    expect(await startSource().source.of(`${scripted.url}${OIDC}`)).toMatchObject({
      kind: 'absent',
      failure: {
        message: expect.stringMatching(
          `It is the address of metadata: write ${scripted.url} as "issuer".`,
        ) as string,
      },
    })
  })

  it('takes no endpoint without TLS from somewhere else, and nothing that is no URL', async () => {
    publish({
      [OIDC]: {
        issuer: scripted.url,
        token_endpoint: 'http://issuer.example/token',
        authorization_endpoint: 'javascript:alert(1)',
        revocation_endpoint: 42,
        device_authorization_endpoint: 'https://user:password@issuer.example/device',
        authorization_response_iss_parameter_supported: 'yes',
      },
    })
    expect(await startSource().source.of(scripted.url)).toEqual({
      kind: 'found',
      metadata: { issuer: scripted.url },
    })
  })

  it.each([
    { what: 'nothing there', status: 404, body: {}, kind: 'absent' },
    { what: 'forbidden', status: 403, body: {}, kind: 'absent' },
    { what: 'no metadata', status: 200, body: { hello: 'world' }, kind: 'absent' },
    { what: 'a page', status: 200, body: '<html>Welcome</html>', kind: 'unavailable' },
    { what: 'a redirect', status: 302, body: '', kind: 'unavailable' },
    { what: 'too many requests', status: 429, body: {}, kind: 'unavailable' },
    { what: 'a broken server', status: 500, body: {}, kind: 'unavailable' },
    { what: 'too much', status: 200, body: { issuer: 'x'.repeat(1_100_000) }, kind: 'unavailable' },
  ])('finds $what: $kind', async ({ status, body, kind }) => {
    scripted.answer(status, body)
    expect(await startSource().source.of(scripted.url)).toMatchObject({ kind })
    expect(asked()).toEqual([OIDC, OAUTH])
  })

  it('names where metadata has moved to, and does not follow', async () => {
    scripted.answer(301, '', { location: 'https://new.example/auth/.well-known/x?y=z' })
    const found = await startSource().source.of(scripted.url)
    expect(found).toMatchObject({
      kind: 'unavailable',
      failure: {
        message: expect.stringMatching(
          /redirect \(status 301\) to https:\/\/new\.example, another server: .*correct "issuer"\.$/,
        ) as string,
      },
    })
  })

  it('reports the failure that may pass before the one that lasts', async () => {
    scripted.respondWith(({ path }, response) => {
      response.writeHead(path === OIDC ? 404 : 503, { 'retry-after': '7' }).end()
    })
    expect(await startSource().source.of(scripted.url)).toMatchObject({
      kind: 'unavailable',
      retryAfterMs: 7_000,
    })
  })

  it('gives up on a server that does not answer', async () => {
    scripted.respondWith(() => undefined)
    const { source } = startSource({ timeoutMs: 50 })
    expect(await source.of(scripted.url)).toMatchObject({ kind: 'unavailable' })
    expect(asked()).toEqual([OIDC])
  })

  it('never asks an issuer without TLS but on this machine', async () => {
    const fetch: IssuerFetch = () => Promise.reject(new Error('asked'))
    const { source } = startSource({ fetch })
    expect(await source.of('http://issuer.example')).toMatchObject({ kind: 'absent' })
  })

  it("knows Evo's own endpoints when no server answers", async () => {
    const down: IssuerFetch = () =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('down') }))
    expect(await startSource({ fetch: down }).source.of('https://ims.bentley.com')).toEqual({
      kind: 'found',
      metadata: {
        issuer: 'https://ims.bentley.com',
        authorization_endpoint: 'https://ims.bentley.com/connect/authorize',
        token_endpoint: 'https://ims.bentley.com/connect/token',
        revocation_endpoint: 'https://ims.bentley.com/connect/revocation',
      },
    })
  })
})

describe('what was found', () => {
  it('is asked for once by all who ask together, and then kept', async () => {
    publish({ [OIDC]: { issuer: scripted.url } })
    const { source } = startSource()
    await Promise.all([source.of(scripted.url), source.of(scripted.url), source.of(scripted.url)])
    await source.of(scripted.url)
    expect(asked()).toEqual([OIDC])
  })

  it('is renewed behind the first use after a day, and used meanwhile', async () => {
    const first = { issuer: scripted.url, token_endpoint: `${scripted.url}/one` }
    const second = { issuer: scripted.url, token_endpoint: `${scripted.url}/two` }
    publish({ [OIDC]: first })
    const { source, clock } = startSource()
    await source.of(scripted.url)
    publish({ [OIDC]: second })
    clock.elapsedMs = 24 * HOUR - 1
    expect(await source.of(scripted.url)).toMatchObject({ metadata: first })
    expect(asked()).toHaveLength(1)
    clock.elapsedMs = 24 * HOUR
    expect(await source.of(scripted.url)).toMatchObject({ metadata: first })
    await expect.poll(() => source.of(scripted.url)).toMatchObject({ metadata: second })
    expect(asked()).toHaveLength(2)
  })

  it('is used on where the server publishes less for a while, and takes over what it publishes then', async () => {
    const token_endpoint = `${scripted.url}/token`
    publish({ [OIDC]: { issuer: scripted.url, token_endpoint } })
    const { source, clock, log } = startSource()
    await source.of(scripted.url)
    // A server behind a proxy that says nothing of TLS.
    publish({ [OIDC]: { issuer: scripted.url, token_endpoint: 'http://issuer.example/token' } })
    clock.elapsedMs = 24 * HOUR
    await source.of(scripted.url)
    await expect.poll(() => log.lines).toHaveLength(1)
    expect(log.lines[0]?.message).toContain('discovery failed')
    expect(await source.of(scripted.url)).toMatchObject({ metadata: { token_endpoint } })
    publish({ [OIDC]: { issuer: scripted.url, token_endpoint: `${token_endpoint}/2` } })
    clock.elapsedMs += 10 * SECOND
    await source.of(scripted.url)
    await expect
      .poll(() => source.of(scripted.url))
      .toMatchObject({ metadata: { token_endpoint: `${token_endpoint}/2` } })
  })

  it('is used on while it cannot be renewed, and not asked for at every use', async () => {
    publish({ [OIDC]: { issuer: scripted.url } })
    let count = 0
    const counting: IssuerFetch = (url, request) => {
      count += 1
      return directFetch(url, request)
    }
    const { source, clock, log } = startSource({ fetch: counting })
    await source.of(scripted.url)
    scripted.answer(503, '')
    clock.elapsedMs = 24 * HOUR
    expect(await source.of(scripted.url)).toMatchObject({ kind: 'found' })
    await expect.poll(() => log.lines).toHaveLength(1)
    expect(log.lines[0]?.message).toContain('discovery failed')
    expect(count).toBe(3)
    clock.elapsedMs += 10 * SECOND - 1
    expect(await source.of(scripted.url)).toMatchObject({ kind: 'found' })
    expect(count).toBe(3)
    clock.elapsedMs += 1
    expect(await source.of(scripted.url)).toMatchObject({ kind: 'found' })
    expect(count).toBe(4)
    await expect.poll(() => log.lines).toHaveLength(2)
  })
})

describe('a discovery that failed', () => {
  it('is not repeated for 10 s', async () => {
    scripted.answer(503, '')
    const { source, clock } = startSource()
    const failed = await source.of(scripted.url)
    expect(failed).toMatchObject({ kind: 'unavailable' })
    clock.elapsedMs = 10 * SECOND - 1
    expect(await source.of(scripted.url)).toBe(failed)
    expect(asked()).toHaveLength(2)
    publish({ [OIDC]: { issuer: scripted.url } })
    clock.elapsedMs = 10 * SECOND
    expect(await source.of(scripted.url)).toMatchObject({ kind: 'found' })
  })

  it("is not repeated for 10 s either where Evo's own endpoints stand in", async () => {
    let count = 0
    const down: IssuerFetch = () => {
      count += 1
      return Promise.reject(new TypeError('fetch failed', { cause: new Error('down') }))
    }
    const { source, clock } = startSource({ fetch: down })
    await source.of('https://ims.bentley.com')
    await source.of('https://ims.bentley.com')
    expect(count).toBe(1)
    clock.elapsedMs = 10 * SECOND
    await source.of('https://ims.bentley.com')
    expect(count).toBe(2)
  })

  it('throws what is a mistake of ours', async () => {
    const broken: IssuerFetch = () => Promise.reject(new RangeError('ours'))
    await expect(startSource({ fetch: broken }).source.of('https://a.example')).rejects.toThrow(
      'ours',
    )
  })
})

describe('the file', () => {
  const file = () => join(directory, 'metadata.json')

  it('carries what was found over to a restart while discovery is down', async () => {
    publish({ [OIDC]: { issuer: scripted.url, token_endpoint: `${scripted.url}/token` } })
    await startSource({ file: file() }).source.of(scripted.url)
    scripted.answer(503, '')
    const restarted = startSource({ file: file() })
    expect(await restarted.source.of(scripted.url)).toEqual({
      kind: 'found',
      metadata: { issuer: scripted.url, token_endpoint: `${scripted.url}/token` },
    })
    await expect.poll(asked).toHaveLength(3)
  })

  it('is renewed behind the first use after a restart', async () => {
    publish({ [OIDC]: { issuer: scripted.url } })
    await startSource({ file: file() }).source.of(scripted.url)
    const renewed = { issuer: scripted.url, token_endpoint: `${scripted.url}/new` }
    publish({ [OIDC]: renewed })
    const { source } = startSource({ file: file() })
    await source.of(scripted.url)
    await expect.poll(() => source.of(scripted.url)).toMatchObject({ metadata: renewed })
    await expect.poll(() => readFile(file(), 'utf8')).toContain('/new')
  })

  it('is private to this user, and remembers all issuers', async () => {
    await using other = await startFaultyServer()
    other.answer(200, { issuer: other.url })
    publish({ [OIDC]: { issuer: scripted.url } })
    const { source } = startSource({ file: file() })
    await Promise.all([source.of(scripted.url), source.of(other.url)])
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    const { issuers } = JSON.parse(await readFile(file(), 'utf8')) as { issuers: object }
    expect(Object.keys(issuers).sort()).toEqual([scripted.url, other.url].sort())
  })

  it.each([
    { fault: 'is damaged', content: '{"version":1,"issuers":{"htt' },
    { fault: 'is of a later version', content: '{"version":2}' },
  ])('costs a discovery and a warning where it $fault', async ({ content }) => {
    await writeFile(file(), content)
    publish({ [OIDC]: { issuer: scripted.url } })
    const { source, log } = startSource({ file: file() })
    expect(await source.of(scripted.url)).toMatchObject({ kind: 'found' })
    expect(log.lines.map(({ level }) => level)).toEqual(['warn'])
    expect(await readFile(file(), 'utf8')).toContain(scripted.url)
  })

  it('costs nothing where it cannot be written', async () => {
    publish({ [OIDC]: { issuer: scripted.url } })
    const { source, log } = startSource({ file: join(directory, 'missing', 'metadata.json') })
    expect(await source.of(scripted.url)).toMatchObject({ kind: 'found' })
    expect(log.lines.map(({ message }) => message)).toEqual([
      expect.stringContaining('cannot be stored'),
    ])
  })

  it('is not needed', async () => {
    const { source } = startSource()
    const issuer = `http://127.0.0.1:${await freePort()}`
    expect(await source.of(issuer)).toMatchObject({ kind: 'unavailable' })
  })
})

it('measures its day by the clock that saw more of it', async () => {
  publish({ [OIDC]: { issuer: scripted.url } })
  const reading = { ...NOW }
  const { source } = startSource({ clock: { read: () => ({ ...reading }) } })
  await source.of(scripted.url)
  // Asleep: the monotonic clock stood still.
  reading.wall += 25 * HOUR
  await source.of(scripted.url)
  await expect.poll(asked).toHaveLength(2)
})
