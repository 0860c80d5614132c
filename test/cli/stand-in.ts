/** A daemon that answers as a test says: a real HTTP server on an owner socket, in a home of its own. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { PassThrough } from 'node:stream'
import { runCli } from '../../src/cli/run.ts'
import { type CapturedIo, captureIo } from '../support/captured-io.ts'

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Parsed; undefined where there was none. */
  readonly body: unknown
}

/** What a route answers; `undefined` is 204. */
export type Reply =
  | { readonly status?: number; readonly json: object }
  | {
      readonly problem: { readonly error: string; readonly detail?: string; readonly hint?: string }
    }
  | { readonly stream: (response: ServerResponse) => void }
  | undefined

export type Routes = Readonly<Record<string, (asked: Asked) => Reply | Promise<Reply>>>

export interface StandIn extends AsyncDisposable {
  readonly directory: string
  readonly socket: string
  readonly stateDir: string
  /** Makes the command line find it, and nothing of the person who runs the tests. */
  readonly env: NodeJS.ProcessEnv
  /** Everything it was asked, in order. */
  readonly asked: readonly Asked[]
}

/** `routes` by method and path, `GET /v1/apps`; whatever else is asked is a 404 of ours. */
export async function startStandIn(routes: Routes): Promise<StandIn> {
  // Short, because the path of a socket may have a hundred bytes.
  const directory = mkdtempSync(join(tmpdir(), 'evo-cli-'))
  const stateDir = join(directory, 'state')
  mkdirSync(stateDir, { mode: 0o700 })
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const answer = async () => {
      const sent = await text(request)
      const one: Asked = { method, url, headers, body: sent === '' ? undefined : JSON.parse(sent) }
      asked.push(one)
      const route = routes[`${method} ${url}`]
      send(response, route ? await route(one) : { problem: { error: 'not_found' } })
    }
    answer().catch((error: unknown) => response.destroy(error as Error))
  })
  const socket = join(directory, 'owner.sock')
  await listen(server, socket)
  return {
    directory,
    socket,
    stateDir,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      EVO_TOKEN_STATE_DIR: stateDir,
      EVO_TOKEN_RUNTIME_DIR: directory,
    },
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Resolves with the port, 0 for a path. */
export async function listen(server: Server, where: string | 0): Promise<number> {
  server.listen(where === 0 ? { host: '127.0.0.1', port: 0 } : where)
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** As the daemon does it, which keeps a connection only for a client that asks. */
function send(response: ServerResponse, reply: Reply): void {
  if (reply === undefined) {
    response.writeHead(204).end()
  } else if ('stream' in reply) {
    reply.stream(response)
  } else if ('problem' in reply) {
    const body = JSON.stringify({ status: 400, title: 'Problem', ...reply.problem })
    response.writeHead(400, { 'Content-Type': 'application/problem+json' }).end(body)
  } else {
    const { status = 200, json } = reply
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(json))
  }
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command in this process; `input` is what stands on its stdin, which is no terminal. */
export async function run(
  { env }: Pick<StandIn, 'env'>,
  args: readonly string[],
  {
    input = '',
    more = {},
  }: { readonly input?: string | Buffer; readonly more?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const captured = captureIo({ env: { ...env, ...more } })
  stdinOf(captured).end(input)
  const code = await runCli(args, captured.io)
  return { code, stdout: captured.stdout.text, stderr: captured.stderr.text }
}

export function stdinOf({ io }: CapturedIo): PassThrough {
  return io.stdin as unknown as PassThrough
}

/** A token as the daemon serves it. */
export function token(change: object = {}) {
  return {
    app: 'evo-me',
    access_token: 'opaque-token-of-evo-me',
    token_type: 'Bearer',
    expires_in: 3000,
    expires_at: '2026-01-01T00:50:00Z',
    scope: 'evo.discovery evo.workspace',
    ...change,
  }
}

/** A status as the daemon tells it. */
export function status(change: object = {}) {
  return {
    app: 'evo-me',
    type: 'native',
    session: 'active',
    freshness: 'fresh',
    expires_at: '2026-01-01T01:00:00Z',
    refresh_at: '2026-01-01T00:50:00Z',
    refreshed_at: '2026-01-01T00:00:00Z',
    retry_at: null,
    failures: 0,
    scope: 'evo.discovery evo.workspace',
    fingerprint: '1f3a9c02',
    last_error: null,
    problem: null,
    ...change,
  }
}

export function writeEndpoint({ stateDir }: StandIn, endpoint: object, mode = 0o600): void {
  writeFileSync(join(stateDir, 'endpoint.json'), JSON.stringify(endpoint), { mode })
}
