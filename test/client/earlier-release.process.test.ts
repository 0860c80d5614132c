/**
 * Programs that were written for an earlier release find what they need at today's daemon: what its command
 * line and its Python client sent is sent again, and each answer has the members that the old one had.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  EVO_SCOPES,
  REDIRECT_URI,
  type RunningAuthorizationServer,
  startAuthorizationServer,
} from '../support/authorization-server.ts'
import {
  createHome,
  type DaemonProcess,
  type Home,
  startDaemonProcess,
} from '../support/daemon-process.ts'
import { createPerson } from '../support/person.ts'

type Shape =
  'null' | 'boolean' | 'number' | 'string' | readonly Shape[] | { readonly [member: string]: Shape }

interface Exchange {
  readonly by: string
  readonly door: 'owner' | 'tcp'
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: object
  readonly status: number
  /** Of the answer; undefined for one that is no JSON. */
  readonly members?: Shape
}

const { exchanges } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'wire-2026-11-25.json'), 'utf8'),
) as { readonly exchanges: readonly Exchange[] }

let server: RunningAuthorizationServer
let home: Home
let daemon: DaemonProcess
let key: string

beforeAll(async () => {
  server = await startAuthorizationServer()
  const { native, service } = server.clients
  home = await createHome({
    issuer: server.issuer,
    listen: { port: 0 },
    vault: { key: 'file' },
    apps: {
      me: {
        type: 'native',
        clientId: native.clientId,
        redirectUris: [REDIRECT_URI],
        scopes: [...EVO_SCOPES, 'offline_access'],
      },
      robot: { type: 'service', clientId: service.clientId, scopes: EVO_SCOPES },
    },
  })
  daemon = await startDaemonProcess(home)
  key = readFileSync(join(home.stateDir, 'access-key'), 'utf8').trim()
})

afterAll(async () => {
  await daemon[Symbol.asyncDispose]()
  await home.remove()
  await server.close()
})

/** Sends what was recorded, with the values of this run in place of those that a run of its own has. */
function send(exchange: Exchange, values: Readonly<Record<string, string>>) {
  const fill = (text: string) =>
    text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
  const { hostname, port } = new URL(daemon.url)
  const where = exchange.door === 'owner' ? { socketPath: daemon.socket } : { hostname, port }
  const headers = Object.fromEntries(
    Object.entries(exchange.headers).map(([name, value]) => [name, fill(value)]),
  )
  const body = exchange.body && fill(JSON.stringify(exchange.body))
  const options = { method: exchange.method, path: fill(exchange.path), agent: false, headers }
  return new Promise<{ status: number | undefined; json: unknown; text: string }>(
    (resolve, reject) => {
      request({ ...where, ...options }, (answer) => {
        let text = ''
        const end = () => {
          resolve({ status: answer.statusCode, json: parsed(text), text })
        }
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
          // The stream has no end.
          if (!text.startsWith('event:')) return
          answer.destroy()
          end()
        })
        answer.once('end', end).once('error', reject)
      })
        .once('error', reject)
        .end(body)
    },
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the old answer had and this one has not, or has in another type; a member that was null may be anything. */
function missing(shape: Shape, value: unknown, path = ''): string[] {
  if (shape === 'null') return value === undefined ? [path] : []
  // What had a value then may have none now.
  if (typeof shape === 'string') {
    return typeof value === shape || value === null ? [] : [`${path}: ${typeof value}`]
  }
  if (Array.isArray(shape)) {
    const [item] = shape as readonly Shape[]
    if (!Array.isArray(value)) return [`${path}: ${typeof value}`]
    return item === undefined ? [] : value.flatMap((one) => missing(item, one, `${path}[]`))
  }
  if (value === null) return []
  if (typeof value !== 'object') return [`${path}: ${typeof value}`]
  return Object.entries(shape).flatMap(([member, inner]) =>
    missing(inner, (value as Readonly<Record<string, unknown>>)[member], `${path}.${member}`),
  )
}

it('an earlier release gets what it needs of this daemon', async () => {
  const { clientSecret } = server.clients.service
  const { host } = new URL(daemon.url)
  const values: Record<string, string> = { key, host, secret: clientSecret }
  values.nonce = `${randomBytes(32).toString('base64url')}@${host}`
  const seen: string[] = []
  for (const exchange of exchanges) {
    const answer = await send(exchange, values)
    const { by, method, path, status, members } = exchange
    const context = `${by}: ${method} ${path}`
    expect([context, answer.status, answer.status === status ? '' : answer.text]).toEqual([
      context,
      status,
      '',
    ])
    if (members !== undefined)
      expect([context, missing(members, answer.json)]).toEqual([context, []])
    seen.push(context)

    const json = (answer.json ?? {}) as Readonly<Record<string, unknown>>
    if (path.endsWith('/login') && method === 'POST') {
      values.id = String(json.id)
      const { url } = await createPerson('ada').visit(String(json.authorization_url), {
        stopAt: REDIRECT_URI,
      })
      values.callback = url
    }
    if (typeof json.access_token === 'string') {
      values.digest = createHash('sha256').update(json.access_token).digest('hex')
    }
    if (typeof json.proof === 'string') {
      const hashed = createHash('sha256').update(key).digest()
      expect(json.proof).toBe(createHmac('sha256', hashed).update(values.nonce).digest('hex'))
    }
  }
  expect(seen.length).toBeGreaterThan(30)
})
