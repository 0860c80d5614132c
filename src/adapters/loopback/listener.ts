/**
 * Opens the sockets of the daemon: TCP on both loopback addresses, and the owner's. Either all of them
 * open or nothing is served; when the daemon stops they close in order.
 */
import { once } from 'node:events'
import { type AddressInfo, isIPv6, Server as NetServer, type Server } from 'node:net'
import { isLoopbackAddress } from '../../core/loopback.ts'
import type { Log } from '../../core/ports.ts'
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'
import {
  createEndpointServer,
  type HttpEndpoint,
  type ServerLimits,
  type EndpointServer,
  prepareEndpoint,
} from './endpoint-server.ts'
import { stopServers } from './listener-stop.ts'
import { BACKLOG, bindOtherFamily, bindTcp, listenOnDescriptor } from './listener-sockets.ts'

export interface ListenOptions {
  /** A loopback address; the other family's loopback is bound with it. */
  readonly host: string
  /** 0 takes one that is free for both families. */
  readonly port: number
  readonly socketPath: string
  /**
   * Whether this process holds the lock of the state directory. Without it a socket file that is
   * there already is left alone, for it may be that of a daemon that runs.
   */
  readonly lockHeld: boolean
  readonly tcp: HttpEndpoint
  readonly owner: HttpEndpoint
  /**
   * Listening sockets that systemd handed over. Each kind of them replaces what we would open ourselves,
   * but for the loopback of the other family, which no other program may get.
   */
  readonly inherited?: readonly number[]
  /** The whole response to bytes that are no HTTP request. */
  readonly answerToMalformed: (error: Error) => string
  /** Connections of each door; defaults to CONNECTIONS_MAX. */
  readonly connectionsMax?: number
  /** Limits; defaults to SERVER_LIMITS. */
  readonly limits?: ServerLimits
  readonly log: Log
}

export interface Listener {
  /** For callers, on the address that the config names. */
  readonly url: string
  /** Where the owner socket is now; undefined for one that systemd made at a place that we cannot see. */
  readonly socketPath: string | undefined
  /** Whether the file of the owner socket is gone or was replaced: no client finds us then. */
  isOwnerSocketGone(): boolean
  /** Makes the owner socket again; open connections stay. @throws {SidecarError} `failed`. */
  remakeOwnerSocket(socketPath: string): Promise<void>
  /** Accepts nothing more, lets running requests finish for `withinMs` at most, then ends every connection. */
  stop(withinMs: number): Promise<void>
}

/** @throws {SidecarError} `failed`, if any of the sockets cannot be opened. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { log } = options
  const endpoints = {
    tcp: prepareEndpoint(options.tcp, log, options.connectionsMax),
    owner: prepareEndpoint(options.owner, log, options.connectionsMax),
  }
  const opened: EndpointServer[] = []
  const create = () => {
    const server = createEndpointServer(options)
    opened.push(server)
    return server
  }
  try {
    const fromSystemd = (options.inherited ?? []).map((fd) => {
      const server = create()
      listenOnDescriptor(server.server, fd)
      // Systemd does not say what a descriptor is; only a TCP socket has an address.
      const address = server.server.address() as AddressInfo | null
      server.serve(address ? endpoints.tcp : endpoints.owner)
      return { fd, server, address }
    })
    await Promise.all(fromSystemd.map(({ server }) => once(server.server, 'listening')))
    const inheritedTcp = fromSystemd.flatMap(({ address }) => address ?? [])
    for (const address of inheritedTcp) refuseOpenAddress(address)
    const createTcp = () => {
      const server = create()
      server.serve(endpoints.tcp)
      return server.server
    }
    for (const address of inheritedTcp)
      await bindMissingFamily(createTcp, address, inheritedTcp, log)
    const address = inheritedTcp[0] ?? (await bindTcp(createTcp, options))
    const inheritedOwner = fromSystemd.find((socket) => socket.address === null)
    let ownServer: Server | undefined
    const bindOwner = async (socketPath: string) => {
      const made = create()
      made.serve(endpoints.owner)
      const { server } = made
      const { lockHeld } = options
      await platform.ownerListener.bindOwnerEndpoint(server, {
        socketPath,
        lockHeld,
        backlog: BACKLOG,
      })
      ownServer = server
    }
    if (!inheritedOwner) await bindOwner(options.socketPath)
    let socketPath = inheritedOwner
      ? platform.ownerListener.pathOfInherited(inheritedOwner.fd)
      : options.socketPath
    let identity = socketIdentity(socketPath)
    return {
      url: toUrl(address),
      get socketPath() {
        return socketPath
      },
      isOwnerSocketGone: () => identity !== undefined && socketIdentity(socketPath) !== identity,
      async remakeOwnerSocket(path) {
        // Close first: that removes the file of the socket's name, which would be the new one later.
        if (ownServer?.listening) NetServer.prototype.close.call(ownServer)
        await bindOwner(path)
        socketPath = path
        identity = socketIdentity(path)
      },
      stop: (withinMs) => stopServers(opened, withinMs),
    }
  } catch (error) {
    await stopServers(opened, 0)
    throw error
  }
}

function socketIdentity(path: string | undefined): string | undefined {
  return path === undefined ? undefined : platform.ownerListener.endpointIdentity(path)
}

/** The descriptors that systemd handed to this process (sd_listen_fds(3)). */
export function readInheritedSockets(env: NodeJS.ProcessEnv, pid: number): number[] {
  const count = env.LISTEN_PID === String(pid) ? Number(env.LISTEN_FDS) : 0
  return Number.isInteger(count) && count > 0
    ? Array.from({ length: count }, (_, at) => 3 + at)
    : []
}

function refuseOpenAddress(address: AddressInfo): void {
  if (isLoopbackAddress(address.address)) return
  throw new SidecarError(
    'failed',
    `The socket that systemd handed over listens on ${address.address}, which is not loopback.`,
    { hint: 'Let ListenStream= in the socket unit name 127.0.0.1 or [::1].' },
  )
}

/** A person's own socket unit may name only one family. */
async function bindMissingFamily(
  create: () => Server,
  given: AddressInfo,
  all: readonly AddressInfo[],
  log: Log,
): Promise<void> {
  if (all.some(({ family, port }) => port === given.port && family !== given.family)) return
  if (!(await bindOtherFamily(create, given, 'ListenStream= in the socket unit'))) return
  const { port } = given
  log.warn(
    { port },
    `the socket unit names port ${port} of only one loopback family: a caller that uses the other one is refused while the daemon restarts`,
  )
}

function toUrl({ address, port }: AddressInfo): string {
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`
}
