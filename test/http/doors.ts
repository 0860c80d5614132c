/** The endpoint with everything behind it recorded, through both of its doors. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import type { DaemonProblem } from '../../src/core/daemon-problem.ts'
import { type Problem, problemsOf } from '../../src/core/problem.ts'
import type { Session } from '../../src/core/session.ts'
import type { AppStatus, ServedToken } from '../../src/core/status.ts'
import { SidecarError } from '../../src/errors.ts'
import { createApp } from '../../src/http/app.ts'
import { createTcpDoor, OWNER_DOOR } from '../../src/http/door.ts'
import type { Caller } from '../../src/http/callers.ts'
import type { TokenBroker, Deps } from '../../src/http/deps.ts'
import { EventStreams } from '../../src/http/event-streams.ts'
import { Secret, sha256Hex } from '../../src/secret.ts'
import { app as nativeApp, NOW, recordingLog } from '../support/builders.ts'

/** May use every app. */
export const KEY = `evtk_${'a'.repeat(43)}`
/** May use `evo-me` only. */
export const LIMITED_KEY = `evtk_${'b'.repeat(43)}`

const CALLERS: ReadonlyMap<string, Caller> = new Map([
  [sha256Hex(KEY), { name: 'local', apps: ['*'] }],
  [sha256Hex(LIMITED_KEY), { name: 'notebook', apps: ['evo-me'] }],
])

export const SERVED: ServedToken = {
  accessToken: new Secret('eyJhbGciOiJub25lIn0.e30.the-access-token'),
  expiresAt: Date.UTC(2026, 0, 1, 1, 0, 0, 999),
  expiresInS: 3600,
  scope: 'evo.discovery evo.workspace',
  fingerprint: '1f3a9c02',
}

export function appStatus(overrides: Partial<AppStatus> = {}): AppStatus {
  return {
    app: 'evo-me',
    type: 'native',
    session: 'active',
    freshness: 'fresh',
    expiresAt: Date.UTC(2026, 0, 1, 1),
    refreshAt: Date.UTC(2026, 0, 1, 0, 50),
    refreshedAt: NOW.wall,
    retryAt: null,
    failures: 0,
    scope: 'evo.discovery evo.workspace',
    fingerprint: '1f3a9c02',
    lastError: null,
    problems: [],
    sessionExpiresAt: Date.UTC(2026, 0, 31),
    sessionExpiresSoon: false,
    subject: 'Ada',
    home: null,
    ...overrides,
  }
}

/** What is wrong with an app whose session is `session`, as the core has it. */
export function problemsOfSession(session: Session): readonly Problem[] {
  const facts = { newer: false, missingScopes: [], isTokenRefused: false }
  return problemsOf({ ...facts, app: nativeApp(), session, now: NOW })
}

export type Parts = {
  [Part in 'broker' | 'signIns' | 'callers' | 'vaultKey' | 'share' | 'activity']?: Partial<
    Deps[Part]
  >
} & Partial<Pick<Deps, 'reload' | 'appsInConfig' | 'host' | 'log' | 'clock'>> & {
    readonly problems?: readonly DaemonProblem[]
  }

/** What was asked of the parts behind the endpoint: the method's name, then its arguments. */
export type Asked = readonly [string, ...unknown[]]

export function recordedDeps(parts: Parts = {}) {
  const asked: Asked[] = []
  const log = recordingLog()
  const noted = <Answer>(name: string, answer: Answer) => {
    return (...given: unknown[]): Answer => {
      asked.push([name, ...given])
      return answer
    }
  }
  const broker: TokenBroker = {
    appNames: () => ['evo-me', 'evo-pipeline'],
    hasApp: (app) => broker.appNames().includes(app),
    status: (app) => appStatus({ app }),
    readiness: () => ({ ready: true, reason: null }),
    token: noted('token', SERVED),
    refresh: noted('refresh', Promise.resolve(SERVED)),
    logout: noted('logout', Promise.resolve({ revoked: true })),
    putClientSecret: noted('putClientSecret', Promise.resolve({ proven: true })),
    holds: (sha256) => sha256.slice(0, 1),
    isHome: () => true,
    renewals: () => ({ granted: 3, rejected: 0, misconfigured: 0, unavailable: 1 }),
    ...parts.broker,
  }
  const callers = new Map(CALLERS)
  const deps: Deps & { readonly streams: EventStreams } = {
    host: parts.host ?? '127.0.0.1',
    version: '1.2.3',
    program: '/opt/evo-token',
    broker,
    streams: new EventStreams(broker),
    problems: () => parts.problems ?? [],
    signIns: {
      start: () => Promise.reject(new Error('this test starts no sign-in')),
      wait: () => Promise.reject(new Error('this test waits for no sign-in')),
      paste: () => Promise.reject(new Error('this test pastes nothing')),
      end: noted('end', undefined),
      ports: () => [],
      ...parts.signIns,
    },
    callers: {
      identify: (sha256) => callers.get(sha256.toString('hex')),
      list: () =>
        ['local', 'notebook'].map((name) => ({
          name,
          apps: ['*'],
          createdAt: NOW.wall,
          lastUsedAt: null,
        })),
      add: (name, apps, expiresAt) =>
        Promise.resolve({
          caller: {
            name,
            apps,
            createdAt: NOW.wall,
            lastUsedAt: null,
            ...(expiresAt !== undefined && { expiresAt }),
          },
          accessKey: new Secret(KEY),
        }),
      remove(name) {
        asked.push(['remove', name])
        for (const [key, caller] of callers) if (caller.name === name) callers.delete(key)
        return Promise.resolve()
      },
      proof: (name, nonce) => `${name}-${nonce}`,
      noteUse: noted('noteUse', undefined),
      ...parts.callers,
    },
    activity: {
      record: noted('record', undefined),
      countToken: noted('countToken', undefined),
      items: () => Promise.resolve({ items: [], next: null }),
      hours: () => Promise.resolve({ counts: [], next: null }),
      ...parts.activity,
    },
    web: {
      open: () => Promise.resolve({ openUrl: 'http://127.0.0.1:1/open/x', expiresAt: NOW.wall }),
    },
    share: {
      status: () => ({ shared: false }),
      move: noted('share move', Promise.resolve()),
      takeOver: noted('share take-over', Promise.resolve({ taken: ['evo-me'], left: [] })),
      leave: noted('share leave', Promise.resolve({ apps: ['evo-me'], copiesLeft: [] })),
      readerKeys: noted(
        'share reader-key',
        Promise.resolve([{ app: 'evo-me', number: 1, key: new Secret('k'.repeat(43)) }]),
      ),
      ...parts.share,
    },
    vaultKey: {
      configured: () => 'auto',
      move: noted('move', Promise.resolve()),
      rotate: noted('rotate', Promise.resolve()),
      ...parts.vaultKey,
    },
    reload: parts.reload ?? (() => Promise.resolve({ added: ['evo-new'] })),
    stop: noted('stop', undefined),
    appsInConfig: parts.appsInConfig ?? (() => Promise.resolve(['evo-me', 'evo-pipeline'])),
    clock: parts.clock ?? { read: () => NOW },
    log: parts.log ?? log,
  }
  return { deps, asked, log }
}

export interface Doors extends AsyncDisposable {
  readonly streams: EventStreams
  readonly asked: readonly Asked[]
  readonly log: ReturnType<typeof recordingLog>
  readonly port: number
  readonly socketPath: string
  /** A client of the TCP door; without a key where `key` is undefined. */
  tcp(key?: string): ReturnType<typeof request.agent>
  owner(): ReturnType<typeof request.agent>
  /** Sends these very bytes to the TCP door; what comes back until it closes the connection. */
  raw(bytes: string | Buffer): Promise<string>
}

/** Both doors on plain servers: what only the listener does is not part of these tests. */
export async function openDoors(parts: Parts = {}): Promise<Doors> {
  const { deps, asked, log } = recordedDeps(parts)
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-http-'))
  const socketPath = join(directory, 'owner.sock')
  const options = { requireHostHeader: false }
  const tcp = createServer(options, createApp(deps, createTcpDoor(deps))).listen(0, '127.0.0.1')
  const owner = createServer(options, createApp(deps, OWNER_DOOR)).listen(socketPath)
  await Promise.all([once(tcp, 'listening'), once(owner, 'listening')])
  const { port } = tcp.address() as AddressInfo
  return {
    asked,
    log,
    streams: deps.streams,
    port,
    socketPath,
    tcp(key) {
      const agent = request.agent(`http://127.0.0.1:${port}`)
      return key === undefined ? agent : agent.set('Authorization', `Bearer ${key}`)
    },
    owner: () =>
      request.agent(`http+unix://${encodeURIComponent(socketPath)}`).set('Host', 'localhost'),
    async raw(bytes) {
      const socket = connect(port, '127.0.0.1')
      socket.end(bytes)
      let answer = ''
      for await (const chunk of socket) answer += String(chunk)
      return answer
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([closed(tcp), closed(owner)])
      rmSync(directory, { recursive: true })
    },
  }
}

async function closed(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

/** A broker method that fails as the real one would. */
export function failing(...failure: ConstructorParameters<typeof SidecarError>) {
  return () => {
    throw new SidecarError(...failure)
  }
}
