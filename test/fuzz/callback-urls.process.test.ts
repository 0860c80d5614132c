/** Callback URLs, at the redirect listener, pasted, and before their code is redeemed: nothing but the exact state completes. */
import { parse } from 'node:querystring'
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { refuseResponse } from '../../src/adapters/server/authorization-response.ts'
import { createPeerLookup } from '../../src/platform/posix/peer-user.ts'
import { createRedirectListener } from '../../src/adapters/loopback/redirect-listener.ts'
import type { RedirectLease } from '../../src/core/redirect-listener.ts'
import { recordingLog } from '../support/builders.ts'
import { granted, signedIn } from '../support/broker-world.ts'
import { freePort } from '../support/free-port.ts'
import { damagedText, holds, hostileText } from './cases.ts'
import { exchange, latin1 } from './exchange.ts'

const STATE = 'bG9uZy1hbmQtcmFuZG9t'
const PATH = '/signin-callback'
const ISSUER = 'https://issuer.example'

let port: number
let lease: RedirectLease
const log = recordingLog()
/** What was sent, by the number that each request bears: an answer may be judged after its sender has gone. */
const sent = new Map<string, Sent>()
const wronglyCompleted: Sent[] = []
beforeAll(async () => {
  port = await freePort()
  const listening = await createRedirectListener({
    log,
    uid: process.getuid?.() ?? 0,
    peerOf: createPeerLookup(),
    usersOfPort: async () => [],
  }).listen({
    redirectUri: `http://127.0.0.1:${port}${PATH}`,
    state: STATE,
    authorizationUrl: `${ISSUER}/authorize`,
    onCallback: async (callback) => {
      const by = sent.get(callback.searchParams.get('n') ?? '')
      if (by && !mayComplete(by)) wronglyCompleted.push(by)
      return { ok: true, title: 'Signed in', text: 'Done.' }
    },
    onSecondVisit: () => undefined,
  })
  if (listening.kind !== 'listening') throw new Error(listening.kind)
  lease = listening.lease
})
afterAll(() => {
  lease.close()
})

interface Sent {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly mode: string | undefined
  readonly target: string
}

function mayComplete({ method, path, host, mode, target }: Sent): boolean {
  const states = statesIn(target)
  return (
    method === 'GET' &&
    path === PATH &&
    host === '127.0.0.1' &&
    (mode === undefined || mode === 'navigate') &&
    states.length === 1 &&
    states[0] === STATE
  )
}

function stateLike(state: string) {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(state) },
    { weight: 2, arbitrary: damagedText(state) },
    { weight: 2, arbitrary: fc.nat(state.length).map((length) => state.slice(0, length)) },
    fc.constantFrom(
      state.toUpperCase(),
      `${state}%00`,
      `%20${state}`,
      `+${state}`,
      `${state}/`,
      encodeURIComponent(encodeURIComponent(state)),
      Buffer.from(state).toString('hex').replaceAll(/../g, '%$&'),
    ),
    hostileText,
  )
}

function queryLike(state: string) {
  const name = fc.oneof(
    { weight: 8, arbitrary: fc.constant('state') },
    fc.constantFrom(
      'code',
      'iss',
      'error',
      'response',
      'State',
      'state[]',
      '%73tate',
      'state%00',
      ' state',
    ),
    hostileText,
  )
  const pair = fc
    .tuple(name, fc.constantFrom('=', '=', '=', '==', ''), stateLike(state))
    .map((parts) => parts.join(''))
  return fc
    .tuple(
      fc.oneof(fc.tuple(pair), fc.array(pair, { maxLength: 4 })),
      fc.constantFrom('&', '&', ';', '&&', '#&', '?'),
    )
    .map(([pairs, by]) => pairs.join(by))
}

/** As another parser reads it: every `state` in the query of what was sent. */
function statesIn(target: string): readonly string[] {
  const [beforeFragment = ''] = target.split('#', 1)
  const { state = [] } = parse(beforeFragment.slice(beforeFragment.indexOf('?') + 1), '&', '=', {
    maxKeys: 0,
  })
  return [state].flat()
}

const visit = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'POST', 'HEAD'),
  path: fc.oneof(
    { weight: 8, arbitrary: fc.constant(PATH) },
    fc.constantFrom(
      `/${PATH}`,
      `${PATH}/`,
      '/./signin-callback',
      '/x/..%2fsignin-callback',
      '/SIGNIN-CALLBACK',
      `http://evil.example${PATH}`,
    ),
    damagedText(PATH),
  ),
  query: queryLike(STATE),
  host: fc.constantFrom(
    '127.0.0.1',
    '127.0.0.1',
    '127.0.0.1',
    '127.0.0.1',
    '127.0.0.1',
    '127.0.0.1',
    'localhost',
    'evil.example',
    '127.0.0.1.',
  ),
  mode: fc.constantFrom(undefined, undefined, undefined, 'navigate', 'navigate', 'cors'),
})

holds(
  'at the redirect listener only the exact path, host and state complete a sign-in',
  8,
  fc.asyncProperty(visit, async ({ method, path, query, host, mode }) => {
    wronglyCompleted.length = 0
    const number = String(sent.size)
    const target = latin1(`${path}?n=${number}&${query}`).replace(/[\r\n]/g, '')
    sent.set(number, { method, path, host, mode, target })
    const fetchMode = mode === undefined ? '' : `Sec-Fetch-Mode: ${mode}\r\n`
    const answer = await exchange(
      { port },
      `${method} ${target} HTTP/1.1\r\nHost: ${host}:${port}\r\n${fetchMode}Connection: close\r\n\r\n`,
      { leftOpen: true },
    )
    expect(answer).not.toMatch(/^HTTP\/1\.1 5/)
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([])
    expect(wronglyCompleted).toEqual([])
  }),
)

holds(
  'a response is redeemed only with the exact state, each parameter once, and from the right issuer',
  3,
  fc.property(
    fc.oneof(
      queryLike(STATE),
      queryLike(STATE).map((query) => `code=c&state=${STATE}&${query}`),
      fc
        .constantFrom(ISSUER, `${ISSUER}/`, 'https://evil.example')
        .map((iss) => `code=c&state=${STATE}&iss=${encodeURIComponent(iss)}`),
    ),
    fc.boolean(),
    (query, issuerRequired) => {
      const response = new URLSearchParams(query)
      const refusal = refuseResponse(response, { state: STATE, issuer: ISSUER, issuerRequired })
      if (refusal) {
        expect(refusal.code).not.toBe('')
        return
      }
      const parameters = [...response]
      const of = (name: string) =>
        parameters.filter(([one]) => one === name).map(([, value]) => value)
      expect(of('state')).toEqual([STATE])
      expect(of('code')).toHaveLength(1)
      expect(of('error')).toEqual([])
      expect(of('iss').filter((iss) => iss !== ISSUER)).toEqual([])
      if (issuerRequired) expect(of('iss')).toEqual([ISSUER])
      expect(new Set(parameters.map(([name]) => name)).size).toBe(parameters.length)
    },
  ),
)

const PASTED_STATE = 'state-1'
const PASTED = 'http://localhost:3000/signin-callback'
const pasted = fc.oneof(
  fc
    .tuple(
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(PASTED) },
        fc.constantFrom(
          'https://localhost:3000/signin-callback',
          'http://localhost/signin-callback',
          'http://localhost:3000/',
          'http://localhost:3000@evil.example/signin-callback',
          'http://evil.example:3000/signin-callback',
          'javascript:alert(1)//',
        ),
        damagedText(PASTED),
      ),
      queryLike(PASTED_STATE),
    )
    .map(([url, query]) => `${url}?${query}`),
  hostileText,
)

holds(
  'a pasted URL completes its sign-in by the exact address and state, and changes nothing otherwise',
  4,
  fc.asyncProperty(pasted, async (url) => {
    const { broker, answers, requests } = await signedIn()
    const { id } = await broker.signIns.start('evo-me', { method: 'browser', switchUser: false })
    answers.push(granted())
    const status = await broker.signIns.paste('evo-me', id, url).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'invalid_request' })
      return undefined
    })
    if (!status) {
      expect(requests).toEqual([])
      expect((await broker.signIns.wait('evo-me', id, 0)).status).toBe('pending')
      return
    }
    // A browser may leave out http://, or have put https:// in its place.
    const { host, pathname, protocol, search } = new URL(
      url.trim().startsWith('localhost:') ? `http://${url.trim()}` : url,
    )
    expect(['http:', 'https:']).toContain(protocol)
    expect(`http://${host}${pathname}`).toBe(PASTED)
    expect(statesIn(search)).toEqual([PASTED_STATE])
  }),
)
