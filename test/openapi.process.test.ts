/** What /openapi.json says of the answers, and what the built daemon really answers, on both of its doors. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { routesOf } from '../src/http/app.ts'
import { seededHome } from './faults/seeded-home.ts'
import { type Answered, faultOf } from './http/described.ts'
import { recordedDeps } from './http/doors.ts'
import {
  EVO_SCOPES,
  REDIRECT_URI,
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from './support/authorization-server.ts'
import { type DaemonProcess, type Home, startDaemonProcess } from './support/daemon-process.ts'
import { createPerson } from './support/person.ts'
import { until } from './support/until.ts'

const routes = routesOf(recordedDeps().deps)

let server: RunningAuthorizationServer
let home: Home
let daemon: DaemonProcess
let key: string

beforeAll(async () => {
  server = await startAuthorizationServer()
  const { clientId } = server.clients.service
  home = await seededHome(server, {
    others: { robot: { type: 'service', clientId, scopes: EVO_SCOPES } },
  })
  daemon = await startDaemonProcess(home)
  key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
  await until(
    'the app is ready',
    () => ask('GET', '/readyz/me'),
    ({ status }) => status === 200,
  )
})

afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await home.remove()
  await server.close()
})

interface Asked {
  readonly door?: 'owner' | 'tcp' | 'stranger'
  readonly body?: unknown
  readonly accept?: string
  /** Reads no further than the head: a stream has no end. */
  readonly headOnly?: boolean
}

async function ask(
  method: string,
  path: string,
  { door = 'owner', body, accept, headOnly = false }: Asked = {},
): Promise<Answered & { readonly json: Readonly<Record<string, unknown>> }> {
  const { hostname, port } = new URL(daemon.url)
  const sent = body === undefined ? undefined : JSON.stringify(body)
  const options = {
    method,
    path,
    headers: {
      host: door === 'owner' ? 'localhost' : `localhost:${port}`,
      ...(door === 'tcp' && { authorization: `Bearer ${key}` }),
      ...(accept !== undefined && { accept }),
      ...(sent !== undefined && { 'content-type': 'application/json' }),
    },
    agent: false,
  }
  const where = door === 'owner' ? { socketPath: daemon.socket } : { hostname, port }
  return new Promise((resolve, reject) => {
    request({ ...options, ...where }, (answer) => {
      const { statusCode: status = 0, headers } = answer
      const type = headers['content-type']
      if (headOnly) {
        answer.destroy()
        resolve({ status, type, text: '', json: {} })
        return
      }
      text(answer).then((said) => {
        const json = type?.includes('json') ? (JSON.parse(said) as object) : {}
        resolve({ status, type, text: said, json: json as Record<string, unknown> })
      }, reject)
    })
      .once('error', reject)
      .end(sent)
  })
}

/** The row that a request is for; a name in the path stands for any. */
function routeOf(method: string, path: string) {
  const [bare = ''] = path.split('?')
  const route = routes.find(
    (one) =>
      one.method === method.toLowerCase() &&
      new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare),
  )
  if (!route) throw new Error(`no route for ${method} ${path}`)
  return route
}

it('has the answers of every route as they are described', async () => {
  const answered = new Set<string>()
  const check = async (method: string, path: string, asked: Asked = {}) => {
    const route = routeOf(method, path)
    const answer = await ask(method, path, asked)
    const { status, type, text: said } = answer
    const context = { method, path, asked, status, said }
    expect({ ...context, fault: faultOf(route, answer) }).toEqual({ ...context, fault: undefined })
    if (type !== 'application/problem+json') {
      answered.add(`${route.method} ${route.path} ${status} ${type?.replace(/;.*/, '') ?? ''}`)
    }
    return answer
  }

  for (const door of ['owner', 'tcp', 'stranger'] as const) {
    for (const path of [
      '/healthz',
      '/healthz?caller=local&nonce=n',
      '/healthz?caller=local',
      '/readyz',
      '/readyz/me',
      '/readyz/robot',
      '/readyz/nothing',
      '/metrics',
      '/openapi.json',
      '/v1/apps',
      '/v1/apps/me',
      '/v1/apps/robot',
      '/v1/apps/me/token',
      '/v1/apps/me/token?min_ttl=1&wait=60',
      '/v1/apps/me/token?wait=61',
      '/v1/apps/robot/token?wait=0',
      '/v1/callers',
      '/v1/apps/me/login',
      '/v1/apps/me/login/none?wait=0',
    ]) {
      await check('GET', path, { door })
    }
    await check('GET', '/v1/apps/me/token', { door, accept: 'text/plain' })
    await check('GET', '/v1/events', { door, headOnly: door !== 'stranger' })
    await check('POST', '/v1/apps/me/refresh', { door })
    await check('POST', '/v1/apps/me/refresh', { door, body: { rejected_sha256: 'x' } })
    await check('POST', '/v1/guard', { door, body: { sha256: ['a'.repeat(64)] } })
    await check('POST', '/v1/reload', { door })
    await check('POST', '/v1/callers', { door, body: { name: 'notebook', apps: ['me'] } })
    await check('DELETE', '/v1/callers/notebook', { door })
    await check('DELETE', '/v1/callers/notebook', { door })
    await check('POST', '/v1/vault/key', { door, body: { source: 'file' } })
    await check('POST', '/v1/vault/key', { door, body: { rotate: true } })
    await check('POST', '/v1/vault/key', { door, body: {} })
    await check('POST', '/v1/web', { door })
    await check('GET', '/v1/share', { door })
    await check('POST', '/v1/share/move', { door, body: { app: 'me' } })
    await check('POST', '/v1/share/take-over', { door, body: { keeper: 'hub' } })
    await check('POST', '/v1/share/leave', { door })
    await check('POST', '/v1/share/reader-key', { door, body: { apps: ['me'] } })
    await check('GET', '/v1/activity', { door })
    await check('GET', '/v1/activity/hours', { door })
  }

  const { clientSecret } = server.clients.service
  for (const secret of ['wrong', clientSecret]) {
    await check('PUT', '/v1/apps/robot/client-secret', { body: { client_secret: secret } })
  }
  await check('GET', '/v1/apps/robot/token')
  await check('GET', '/readyz')

  const started = await check('POST', '/v1/apps/me/login')
  const signIn = `/v1/apps/me/login/${String(started.json.id)}`
  await check('GET', `${signIn}?wait=0`)
  await check('POST', `${signIn}/callback`, { body: { url: `${REDIRECT_URI}?state=wrong` } })
  const link = String(started.json.authorization_url)
  const { url } = await createPerson('ada').visit(link, { stopAt: REDIRECT_URI })
  await check('POST', `${signIn}/callback`, { body: { url } })
  await check('GET', signIn)
  await check('POST', '/v1/apps/me/login', { body: { method: 'device' } })
  const ended = await check('POST', '/v1/apps/me/login')
  await check('DELETE', `/v1/apps/me/login/${String(ended.json.id)}`)
  await check('POST', '/v1/apps/me/logout')
  await check('GET', '/v1/apps/me')
  await check('GET', '/v1/apps/me/token')
  await check('POST', '/v1/stop')

  const described = routes.flatMap(({ method, path, answers }) =>
    Object.entries(answers).flatMap(([status, { content }]) =>
      [...Object.keys(content), ...(status === '204' ? [''] : [])].map(
        (type) => `${method} ${path} ${status} ${type}`,
      ),
    ),
  )
  const unseen = described.filter((one) => !answered.has(one))
  expect(unseen).toEqual([
    // A refresh is rarely asked for as text.
    'post /v1/apps/{app}/refresh 200 text/plain',
    // Nothing is shared here: `test/hosts` asks for these.
    'post /v1/share/move 200 application/json',
    'post /v1/share/take-over 200 application/json',
    'post /v1/share/reader-key 200 application/json',
  ])
})
