/**
 * The real daemon in this process, with a vault on a real disk and both doors open, in a time that a
 * test moves by hand. Its heartbeat is as fast as it can be: as long as the clock stands still, one
 * beat more or less makes no difference.
 */
import { readFile } from 'node:fs/promises'
import { Agent, request as send } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { loadConfig, type LoadedConfig } from '../../src/adapters/config/config-file.ts'
import { runCli } from '../../src/cli/run.ts'
import type { Log } from '../../src/core/ports.ts'
import { startDaemon } from '../../src/daemon/daemon.ts'
import type { Daemon } from '../../src/daemon/running.ts'
import { captureIo } from '../support/captured-io.ts'
import { createHome, type Home } from '../support/daemon-process.ts'
import type { Person } from '../support/person.ts'
import type { HandClock } from './hand-clock.ts'

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface Reply {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: Readonly<Record<string, unknown>>
}

/** Of `GET /v1/apps/{app}`, as far as tests look at it. */
export interface Status {
  readonly session: string
  readonly freshness: string
  readonly expires_at: string | null
  readonly refresh_at: string | null
  readonly retry_at: string | null
  readonly failures: number
  readonly fingerprint: string | null
  readonly last_error: { readonly error: string; readonly message: string } | null
}

export interface SignInChoices {
  readonly switchUser?: boolean
}

export interface Sidecar extends AsyncDisposable {
  readonly home: Home
  readonly clock: HandClock
  /** What the machine's network looks like; a change ends back-offs. */
  network: string
  /** Awaited by a reload before it goes on with the config that stands on disk then. */
  beforeConfig: () => Promise<void>
  /** Called by a reload when it has read the config. */
  afterConfig: () => unknown
  start(): Promise<void>
  /** As SIGTERM does. */
  stop(): Promise<void>
  /** Ends and starts: what is known then has been on the disk. */
  restart(): Promise<void>
  /** Resolves when a heartbeat has begun since. */
  beat(): Promise<void>
  /** Resolves when every request that is out has its answer, and that is stored. */
  settled(): Promise<void>
  /** A beat, and everything that it set off; for when nothing can hang. */
  round(): Promise<void>
  /** As a caller does: over TCP, with a key. */
  call(method: string, path: string, body?: object): Promise<Reply>
  /** As the owner does: over the socket. */
  own(method: string, path: string, body?: object): Promise<Reply>
  /** What a caller gets now, without waiting for anything. */
  token(app: string): Promise<Reply>
  /** As the owner sees it, with the authorization server's own words. */
  status(app: string): Promise<Status>
  readyz(app: string): Promise<{ readonly status: number; readonly reason: string | null }>
  /** Runs the command line in this process. */
  exitCode(...argv: string[]): Promise<number>
  /** Starts a sign-in; the result completes it as the browser would. */
  beginSignIn(app: string, person: Person, choices?: SignInChoices): Promise<() => Promise<Reply>>
  signIn(app: string, person: Person, choices?: SignInChoices): Promise<Reply>
}

export interface SidecarOptions {
  readonly clock: HandClock
  readonly config: object
  /** Whether what the daemon waits for, besides requests, goes by the clock that is moved by hand, too. */
  readonly waitsByHand?: boolean
  /** Uniform in [0, 1); one half if left out. */
  readonly random?: () => number
  readonly onLog?: (line: LogLine) => void
}

/** As fast as timers are. */
const HEARTBEAT_MS = 1

/** How long a request that spends something may take: longer than any other. */
export const TIME_LIMIT_MS = 300_000

export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { clock, random = () => 0.5, onLog = () => undefined } = options
  const home = await createHome(options.config)
  const agent = new Agent({ keepAlive: true })
  let daemon: Daemon | undefined
  let key = ''
  let beats: (() => void)[] = []

  const log = logTo(onLog)
  const readConfig = (): Promise<LoadedConfig> => loadConfig(home.config)

  function running(): Daemon {
    if (!daemon) throw new Error('the daemon does not run')
    return daemon
  }

  async function request(
    to: {
      readonly path: string
      readonly host?: string
      readonly port?: string
      readonly socketPath?: string
    },
    method: string,
    headers: Record<string, string>,
    body: object | undefined,
  ): Promise<Reply> {
    const json = body && JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const outgoing = send(
        {
          ...to,
          agent,
          method,
          headers: {
            ...headers,
            ...(json !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(json),
            }),
          },
        },
        (incoming) => {
          text(incoming).then((answered) => {
            resolve({
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              body: answered === '' ? {} : (JSON.parse(answered) as Reply['body']),
            })
          }, reject)
        },
      )
      outgoing.once('error', reject)
      outgoing.end(json)
    })
  }

  const sidecar: Sidecar = {
    home,
    clock,
    network: 'lan',
    beforeConfig: async () => undefined,
    afterConfig: () => undefined,
    async start() {
      const loaded = await readConfig()
      daemon = await startDaemon(
        { loaded },
        {
          env: home.env,
          home: home.directory,
          uid: process.getuid?.() ?? -1,
          pid: process.pid,
          clock,
          startTimeLimit: clock.startTimeLimit,
          sleep: options.waitsByHand ? clock.wait : waitForReal,
          random,
          log,
          heartbeatMs: HEARTBEAT_MS,
          async readConfig() {
            await sidecar.beforeConfig()
            const loaded = await readConfig()
            await sidecar.afterConfig()
            return loaded
          },
          // Asked once by every beat, before anything else.
          networkSignature() {
            for (const tell of beats.splice(0)) tell()
            return sidecar.network
          },
        },
      )
      key = (await readFile(join(home.stateDir, 'access-key'), 'utf8')).trim()
    },
    async stop() {
      const stopping = running()
      daemon = undefined
      agent.destroy()
      await stopping.stop()
    },
    async restart() {
      await sidecar.stop()
      await sidecar.start()
    },
    async beat() {
      await new Promise<void>((resolve) => {
        beats = [...beats, resolve]
      })
    },
    async settled() {
      await running().settled()
    },
    async round() {
      await sidecar.beat()
      await sidecar.settled()
    },
    call(method, path, body) {
      const { hostname: host, port } = new URL(running().url)
      return request({ host, port, path }, method, { authorization: `Bearer ${key}` }, body)
    },
    own(method, path, body) {
      const { socket } = running()
      if (socket === undefined) throw new Error('the owner has no socket')
      return request({ socketPath: socket, path }, method, { host: 'localhost' }, body)
    },
    token: (app) => sidecar.call('GET', `/v1/apps/${app}/token?wait=0`),
    async status(app) {
      const { body } = await sidecar.own('GET', `/v1/apps/${app}`)
      return body as unknown as Status
    },
    async readyz(app) {
      const { status, body } = await sidecar.call('GET', `/readyz/${app}`)
      const { apps } = body as { apps: Record<string, { reason: string | null } | undefined> }
      return { status, reason: apps[app]?.reason ?? null }
    },
    exitCode: (...argv) => runCli(argv, captureIo({ env: home.env }).io),
    async beginSignIn(app, person, { switchUser = false } = {}) {
      const started = await sidecar.own('POST', `/v1/apps/${app}/login`, {
        switch_user: switchUser,
      })
      const { id, authorization_url: url } = started.body as {
        id: string
        authorization_url: string
      }
      const redirectUri = new URL(url).searchParams.get('redirect_uri') ?? ''
      const { url: callback } = await person.visit(url, { stopAt: redirectUri })
      return () => sidecar.own('POST', `/v1/apps/${app}/login/${id}/callback`, { url: callback })
    },
    async signIn(app, person, choices) {
      const complete = await sidecar.beginSignIn(app, person, choices)
      const ended = await complete()
      if (ended.body.status !== 'succeeded') throw new Error(JSON.stringify(ended.body))
      return ended
    },
    async [Symbol.asyncDispose]() {
      // Whatever still hangs is given up.
      const giveUp = setInterval(() => {
        clock.pass(TIME_LIMIT_MS)
      }, 10)
      if (daemon) await sidecar.stop()
      clearInterval(giveUp)
      await home.remove()
    },
  }
  await sidecar.start()
  return sidecar
}

async function waitForReal(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal })
}

function logTo(tell: (line: LogLine) => void): Log {
  const at = (level: string) => (fields: object, message: string) => {
    tell({ level, message, fields: { ...fields } })
  }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
}
