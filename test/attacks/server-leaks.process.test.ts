/**
 * Every fault of the path, and every way in which a server may repeat what it was sent, through every
 * flow of the real daemon in this process: what is logged at `trace`, told by either door, by the
 * command line and by the page of a sign-in holds no eight bytes of a secret.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '../../src/adapters/log/logger.ts'
import { runCli } from '../../src/cli/run.ts'
import type { Plan } from '../faults/faulty-path.ts'
import { PATH_FAULTS } from '../faults/path-faults.ts'
import { type Reply, type Sidecar, startSidecar, TIME_LIMIT_MS } from '../faults/sidecar.ts'
import {
  createStrictWorld,
  LIFETIME_MS,
  RETRY_MAX_MS,
  SCOPES,
  type StrictWorld,
} from '../faults/strict-world.ts'
import { captureIo } from '../support/captured-io.ts'
import { createPerson } from '../support/person.ts'
import { createCanaries, randomSecret } from './canaries.ts'
import { noteAnswers, watching } from './seen-secrets.ts'
import { HABITS } from './talkative-server.ts'

/** Late enough that every token is due, whatever its jitter. */
const DUE_MS = LIFETIME_MS - 60_000

/** Of the device flow, where the server does not say. */
const POLL_EVERY_MS = 5_000

const ROBOT_SECRET = randomSecret()
const SITE_SECRET = randomSecret()

/** Signs in once, and agrees each time. */
const ADA = createPerson('ada')

const canaries = createCanaries()
const lines: string[] = []
let world: StrictWorld
let sidecar: Sidecar

beforeAll(async () => {
  world = await createStrictWorld({
    // Short ones, of which no part is like that of another.
    accessTokenFormat: 'opaque',
    clients: (redirectUri) => [
      {
        client_id: 'site',
        client_secret: SITE_SECRET,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      {
        client_id: 'robot',
        client_secret: ROBOT_SECRET,
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
        scope: SCOPES.join(' '),
      },
    ],
  })
  const { clock, config, path } = world
  const log = createLogger({
    level: 'trace',
    destination: { write: (line) => lines.push(line) },
  })
  await path.meet(watching(canaries))
  sidecar = await startSidecar({
    clock,
    config: config({
      me: world.native(),
      site: world.native({
        type: 'web',
        clientId: 'site',
        tokenEndpointAuthMethod: 'client_secret_basic',
      }),
      robot: { type: 'service', clientId: 'robot', scopes: SCOPES },
    }),
    onLog: ({ level, fields, message }) => {
      log[level as 'info'](fields, message)
    },
  })
  await sidecar.own('PUT', '/v1/apps/robot/client-secret', { client_secret: ROBOT_SECRET })
  await sidecar.own('PUT', '/v1/apps/site/client-secret', { client_secret: SITE_SECRET })
  canaries.add('client secret', ROBOT_SECRET)
  canaries.add('client secret', SITE_SECRET)
})

afterAll(async () => {
  await sidecar[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

/** Waits for `work`; the time of what hangs meanwhile is over at once. */
async function seenThrough<T>(work: Promise<T>): Promise<T> {
  const { path, clock } = world
  const hanging = () => path.arrivals.filter(({ state }) => state === 'hanging')
  const progress = { done: false }
  const finished = work.finally(() => {
    progress.done = true
  })
  finished.catch(() => undefined)
  while (!progress.done) {
    await Promise.race([finished, path.until(() => progress.done || hanging().length > 0)])
    const these = hanging()
    if (these.length > 0) clock.pass(TIME_LIMIT_MS)
    // Others may hang by then: so much later more is due.
    const over = () => these.every(({ state }) => state !== 'hanging')
    await Promise.race([finished, path.until(() => progress.done || over())])
  }
  return finished
}

/** In the browser of a person who is sent back to the daemon's own page. */
async function signInToSite(): Promise<string> {
  const { body } = await sidecar.own('POST', '/v1/apps/site/login')
  const { url, text } = await ADA.visit(String(body.open_url))
  const end = await sidecar.own('GET', `/v1/apps/site/login/${String(body.id)}?wait=0`)
  expect(url).toContain('code=')
  return `${text}\n${JSON.stringify(end)}`
}

/** On a device, polled once. */
async function signInOnDevice(): Promise<string> {
  const { body } = await sidecar.own('POST', '/v1/apps/me/login', { method: 'device' })
  world.clock.pass(POLL_EVERY_MS)
  await seenThrough(sidecar.round())
  const end = await sidecar.own('GET', `/v1/apps/me/login/${String(body.id)}?wait=0`)
  return JSON.stringify(end)
}

/** What every caller is told; a token is told to those that ask for one. */
async function told(): Promise<string> {
  const replies: Reply[] = []
  for (const path of ['/v1/apps', '/readyz']) {
    replies.push(await sidecar.call('GET', path), await sidecar.own('GET', path))
  }
  for (const app of ['me', 'site', 'robot']) {
    replies.push(await sidecar.call('GET', `/v1/apps/${app}/token?wait=0`))
    replies.push(await sidecar.call('POST', `/v1/apps/${app}/refresh`))
  }
  const withoutTokens = replies.map(({ body: { access_token: _, ...body }, headers }) =>
    JSON.stringify({ body, headers }),
  )
  const commands = [
    ['status', 'me'],
    ['status', '--json'],
  ]
  const printed: string[] = []
  for (const argv of commands) {
    const { io, stdout, stderr } = captureIo({ env: sidecar.home.env })
    await runCli(argv, io)
    printed.push(stdout.text, stderr.text)
  }
  return [...withoutTokens, ...printed].join('\n')
}

/** All flows in a world like this; then, when it is well again, everything is as before. */
async function liveThrough(plan: Plan | 'refuses'): Promise<void> {
  const { path, clock } = world
  const from = lines.length
  const { session } = await sidecar.status('me')
  if (session !== 'active') await sidecar.signIn('me', ADA)
  await path.meet(plan === 'refuses' ? { name: plan, happen: plan } : watching(canaries, plan))
  clock.pass(DUE_MS)
  await seenThrough(sidecar.round())
  const said: string[] = []
  // Where nothing listens, no browser gets anywhere.
  if (plan !== 'refuses') {
    // What the others would wait for is longer than a sign-in may take.
    const forSite: Plan = (form) =>
      grantOf(form) === 'authorization_code' ? plan(form) : undefined
    await path.meet(watching(canaries, forSite))
    said.push(await seenThrough(signInToSite()))
    await path.meet(watching(canaries, plan))
    said.push(await signInOnDevice())
  }
  const wrong = sidecar.own('PUT', '/v1/apps/robot/client-secret', {
    client_secret: randomSecret(),
  })
  said.push(JSON.stringify(await seenThrough(wrong)), await seenThrough(told()))
  await path.meet(watching(canaries))
  clock.pass(RETRY_MAX_MS)
  await sidecar.round()
  noteAnswers(canaries, world.server)
  expect({ said: canaries.foundIn(said.join('\n')) }).toEqual({ said: [] })
  expect({ logged: canaries.foundIn(lines.slice(from).join('')) }).toEqual({ logged: [] })
}

function grantOf(form: URLSearchParams): string | null {
  return form.get('grant_type')
}

afterEach(() => world.path.meet(watching(canaries)))

describe('a server that repeats what it was sent is not repeated', () => {
  it.each(HABITS)('$name', ({ plan }) => liveThrough(plan))
})

describe('no fault of the path gives a secret away', () => {
  it.each(PATH_FAULTS)('$name', (fault) =>
    liveThrough(fault.happen === 'refuses' ? 'refuses' : () => fault),
  )
})

it('was looked for in every secret that there is', () => {
  expect([...canaries.names].sort()).toEqual([
    'PKCE verifier',
    'access token',
    'authorization code',
    'client secret',
    'device code',
    'refresh token',
  ])
  expect(lines.length).toBeGreaterThan(100)
})
