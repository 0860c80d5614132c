/** Every route with hostile names, parameters and bodies, at both doors, with and without a key. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { routesOf } from '../../src/http/app.ts'
import { besieged, type Besieged, statusesIn } from '../attacks/besieged.ts'
import { type Answered, faultOf } from '../http/described.ts'
import { KEY, LIMITED_KEY, type Parts, recordedDeps } from '../http/doors.ts'
import { NOW } from '../support/builders.ts'
import { damagedJson, holds, hostileText } from './cases.ts'
import { exchange, latin1 } from './exchange.ts'

const SIGN_IN = {
  status: 'pending',
  error: null,
  message: null,
  subject: null,
  scope: null,
  expiresAt: null,
} as const

/** Methods that only the owner may cause to be called. */
const OWNERS = [
  'logout',
  'putClientSecret',
  'start',
  'wait',
  'paste',
  'remove',
  'move',
  'rotate',
  'reload',
  'add',
]
const called: string[] = []
const noting =
  <Result>(name: string, result: Result) =>
  async () => {
    called.push(name)
    return result
  }
const parts: Parts = {
  signIns: {
    start: noting('start', {
      id: 'id',
      expiresAt: NOW.wall,
      method: 'browser',
      authorizationUrl: 'https://issuer.example',
      openUrl: null,
      listening: false,
      busy: null,
    }),
    wait: noting('wait', { ...SIGN_IN, visited: false, httpsTried: false }),
    end: () => {
      called.push('end')
    },
    paste: noting('paste', SIGN_IN),
  },
  reload: noting('reload', {
    added: [],
    removed: [],
    changed: [],
    sign_in_needed: [],
    restart_needed: [],
    warnings: [],
  }),
}

let siege: Besieged
beforeAll(async () => {
  siege = await besieged({ parts })
  // A stream that is opened ends at once.
  siege.streams.close()
})
afterAll(async () => {
  await siege[Symbol.asyncDispose]()
})

const BODIES = [
  {},
  { method: 'device', switch_user: true },
  { url: 'http://localhost:3000/signin-callback?state=s&code=c' },
  { client_secret: 'secret' },
  { name: 'notebook', apps: ['evo-me'] },
  { source: 'file' },
  { rotate: true },
  { sha256: ['a'.repeat(64)] },
  { rejected_sha256: 'b'.repeat(64) },
]

const rows = routesOf(recordedDeps().deps).map(({ method, path, access, answers }) => ({
  method,
  path,
  access,
  answers,
}))
const segment = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('evo-me', 'evo-pipeline') },
  fc.constantFrom('%', '%ff', '%E0%A4%A', '..', '%2e%2e', '%00'),
  hostileText,
  hostileText.map((text) => encodeURIComponent(Buffer.from(text).toString())),
)
const parameter = fc.tuple(
  fc.oneof(fc.constantFrom('min_ttl', 'wait', 'caller', 'nonce'), hostileText),
  fc.oneof(fc.constantFrom('0', '60', '61', 'local'), hostileText),
)
const query = fc
  .array(parameter, { maxLength: 3 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'))
const body = fc.oneof(
  fc.constant(''),
  fc.constantFrom(...BODIES).map((valid) => JSON.stringify(valid)),
  fc
    .constantFrom(...BODIES)
    .chain((valid) => damagedJson({ inner: valid }))
    .map((value) => JSON.stringify((value as { inner?: unknown }).inner ?? null)),
  fc.string({ unit: 'binary' }),
)
const request = fc.record({
  row: fc.oneof(
    fc.constantFrom(...rows),
    fc.constantFrom(...rows.filter(({ path }) => /token|refresh/.test(path))),
  ),
  method: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    fc.constantFrom(
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'DELETE',
      'PATCH',
      'OPTIONS',
      'TRACE',
      'CONNECT',
      'get',
      'BREW',
    ),
  ),
  names: fc.tuple(segment, segment),
  query: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, query),
  body,
  type: fc.oneof(
    { weight: 5, arbitrary: fc.constant('application/json') },
    { weight: 1, arbitrary: hostileText },
  ),
  accept: fc.constantFrom(
    undefined,
    'text/plain',
    '*/*',
    'text/plain;q=0.1, application/json',
    ';;,,q=',
  ),
  door: fc.constantFrom('tcp', 'tcp', 'owner'),
  key: fc.constantFrom(undefined, 'evtk_wrong', LIMITED_KEY, LIMITED_KEY, KEY, KEY),
})

holds(
  'no request gets a 500, a hang, HTML, or more than its key allows',
  18,
  fc.asyncProperty(request, async (asked) => {
    const { row, method = row.method.toUpperCase(), names, door, key } = asked
    const inPlace = [...names]
    const path = row.path.replaceAll(/\{\w+\}/g, () => inPlace.shift() ?? '')
    const target = latin1(`${path}${asked.query === '' ? '' : `?${asked.query}`}`)
    const content = latin1(asked.body)
    const bytes = [
      `${method} ${target} HTTP/1.1`,
      `Host: localhost${door === 'tcp' ? `:${siege.port}` : ''}`,
      ...(key !== undefined && door === 'tcp' ? [`Authorization: Bearer ${key}`] : []),
      ...(asked.accept === undefined ? [] : [`Accept: ${asked.accept}`]),
      ...(content === ''
        ? []
        : [`Content-Type: ${latin1(asked.type)}`, `Content-Length: ${content.length}`]),
      'Connection: close',
      '',
      content,
    ].join('\r\n')
    const before = siege.asked.length
    called.length = 0
    const answer = await exchange(
      door === 'tcp' ? { port: siege.port } : { path: siege.socketPath },
      bytes,
      // Node gives no answer to who hangs up before it, and this one takes its time.
      { leftOpen: row.path === '/metrics' },
    )
    const statuses = statusesIn(answer)
    // Node hangs up on CONNECT, whatever its target.
    if (method !== 'CONNECT') expect(statuses.length).toBeGreaterThan(0)
    expect(statuses.filter((status) => status >= 500)).toEqual([])
    expect(answer).not.toMatch(/text\/html|\\n {4}at /)
    const [status = 0] = statuses
    if (status >= 400)
      expect(answer).toMatch(/^HTTP[^]*?\r\nContent-Type: application\/problem\+json\r\n/)
    // Another name may be the path of another row.
    const itsOwn = names.every((name) => name.startsWith('evo-'))
    if (itsOwn && method === row.method.toUpperCase()) {
      expect(faultOf(row, answered(status, answer))).toBeUndefined()
    }
    const done = [...siege.asked.slice(before).map(([name]) => name), ...called]
    if (door === 'tcp') {
      if (row.access === 'owner' && method !== 'CONNECT') expect(status).toBeGreaterThanOrEqual(400)
      expect(done.filter((name) => OWNERS.includes(name))).toEqual([])
      if (key === undefined || key === 'evtk_wrong') expect(done).toEqual([])
      const apps = siege.asked
        .slice(before)
        .filter(([name]) => name === 'token' || name === 'refresh')
      if (key === LIMITED_KEY) expect(apps.filter(([, app]) => app !== 'evo-me')).toEqual([])
    }
    expect(siege.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  }),
)

function answered(status: number, answer: string): Answered {
  const end = answer.indexOf('\r\n\r\n')
  const head = answer.slice(0, end)
  return { status, type: /\r\nContent-Type: (.*)/.exec(head)?.[1], text: answer.slice(end + 4) }
}
