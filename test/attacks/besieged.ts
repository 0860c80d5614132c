/** A listener with the real endpoint on it, an attacker who sends it any bytes, and a good caller. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { listen } from '../../src/adapters/loopback/listener.ts'
import {
  ENDPOINT_CONNECTIONS_MAX,
  SERVER_LIMITS,
  type ServerLimits,
} from '../../src/adapters/loopback/endpoint-server.ts'
import { createApp } from '../../src/http/app.ts'
import { createTcpDoor, OWNER_DOOR } from '../../src/http/door.ts'
import type { EventStreams } from '../../src/http/event-streams.ts'
import { answerToMalformed } from '../../src/http/problems.ts'
import { type Asked, KEY, type Parts, recordedDeps } from '../http/doors.ts'
import type { recordingLog } from '../support/builders.ts'

export interface Besieged extends AsyncDisposable {
  readonly port: number
  readonly socketPath: string
  readonly asked: readonly Asked[]
  readonly streams: EventStreams
  readonly log: ReturnType<typeof recordingLog>
  /** The first two lines of a request that this door takes. */
  readonly head: (requestLine: string, key?: string) => string
  connect(): Promise<Socket>
  /** All that comes back to these bytes until the server ends the connection. */
  send(...bytes: readonly (string | Buffer)[]): Promise<string>
  /** The status that a good caller gets for its token, on a new connection or on that of `agent`. */
  goodCaller(agent?: Agent): Promise<number>
  goodOwner(): Promise<number>
}

/** The limits of the daemon, a fiftieth as long. */
export function hurried<Limits extends object>(limits: Limits): Limits {
  const shorter = Object.entries(limits).map(([name, value]: [string, unknown]) =>
    /Timeout$|Interval$/.test(name) ? [name, Number(value) / 50] : [name, value],
  )
  return Object.fromEntries(shorter) as Limits
}

export async function besieged({
  limits = SERVER_LIMITS,
  connectionsMax = ENDPOINT_CONNECTIONS_MAX,
  parts = {},
}: {
  readonly limits?: ServerLimits
  readonly connectionsMax?: number
  readonly parts?: Parts
} = {}): Promise<Besieged> {
  const { deps, asked, log } = recordedDeps(parts)
  const directory = mkdtempSync(join(tmpdir(), 'evo-token-siege-'))
  const socketPath = join(directory, 'owner.sock')
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    socketPath,
    lockHeld: true,
    tcp: createApp(deps, createTcpDoor(deps)),
    owner: createApp(deps, OWNER_DOOR),
    answerToMalformed,
    limits,
    connectionsMax,
    log,
  })
  const port = Number(new URL(listener.url).port)
  const opened = new Set<Socket>()

  async function open(): Promise<Socket> {
    const socket = connect(port, '127.0.0.1')
    opened.add(socket)
    await once(socket, 'connect')
    socket.on('error', () => undefined)
    return socket
  }

  return {
    port,
    socketPath,
    asked,
    streams: deps.streams,
    log,
    connect: open,
    head: (requestLine, key) =>
      [
        `${requestLine} HTTP/1.1`,
        `Host: localhost:${port}`,
        ...(key === undefined ? [] : [`Authorization: Bearer ${key}`]),
        '',
      ].join('\r\n'),
    async send(...bytes) {
      const socket = await open()
      for (const some of bytes) socket.write(some)
      return received(socket)
    },
    goodCaller: (agent) =>
      statusOf({
        port,
        path: '/v1/apps/evo-me/token',
        headers: { authorization: `Bearer ${KEY}` },
        agent: agent ?? false,
      }),
    goodOwner: () => statusOf({ socketPath, path: '/v1/apps', headers: { host: 'localhost' } }),
    async [Symbol.asyncDispose]() {
      for (const socket of opened) socket.destroy()
      await listener.stop(0)
      rmSync(directory, { recursive: true })
    },
  }
}

/** What comes until the server ends the connection, be it with a reset. */
export async function received(socket: Socket): Promise<string> {
  let came = ''
  socket.on('data', (chunk) => {
    came += chunk.toString('latin1')
  })
  // Not `once`: that rejects at the reset which comes before the end.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return came
}

/** On a connection of its own, unless `to` says otherwise. */
export async function statusOf(to: object | string): Promise<number> {
  const outgoing = typeof to === 'string' ? request(to, { agent: false }) : request(to)
  const [answer] = (await once(outgoing.end(), 'response')) as [IncomingMessage]
  await text(answer)
  return answer.statusCode ?? 0
}

/** The status of each response in what came. */
export function statusesIn(bytes: string): readonly number[] {
  return [...bytes.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}
