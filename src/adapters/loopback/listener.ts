/**
 * Opens the sockets of the daemon: TCP on both loopback addresses, and the owner's. Either all of them
 * open or nothing is served; when the daemon stops they close in order.
 */
import { type AddressInfo, isIPv6 } from 'node:net'
import type { Log } from '../../core/ports.ts'
import {
  createEndpointServer,
  type EndpointServer,
  type HttpEndpoint,
  prepareEndpoint,
  type ServedEndpoint,
  type ServerLimits,
} from './endpoint-server.ts'
import { bindMissingFamilies, listenOnInherited } from './inherited-sockets.ts'
import { bindTcp } from './listener-sockets.ts'
import { stopServers } from './listener-stop.ts'
import { openOwnerSocket, type OwnerSocket } from './owner-socket.ts'

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
  readonly ownerSocket: OwnerSocket
  /** Accepts nothing more, lets running requests finish for `withinMs` at most, then ends every connection. */
  stop(withinMs: number): Promise<void>
}

/** @throws {SidecarError} `failed`, if any of the sockets cannot be opened. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { connectionsMax, lockHeld, log } = options
  const prepare = (endpoint: HttpEndpoint) => prepareEndpoint(endpoint, log, connectionsMax)
  const tcp = prepare(options.tcp)
  const owner = prepare(options.owner)
  const opened: EndpointServer[] = []
  const create = () => {
    const server = createEndpointServer(options)
    opened.push(server)
    return server
  }
  /** Makes servers of a door. */
  const creator = (endpoint: ServedEndpoint) => () => {
    const made = create()
    made.serve(endpoint)
    return made.server
  }
  try {
    const inherited = await listenOnInherited(options.inherited ?? [], create, { tcp, owner })
    await bindMissingFamilies(creator(tcp), inherited.tcp, log)
    const address = inherited.tcp[0] ?? (await bindTcp(creator(tcp), options))
    const ownerSocket = await openOwnerSocket({
      create: creator(owner),
      inherited: inherited.owner,
      path: options.socketPath,
      lockHeld,
    })
    return {
      url: toUrl(address),
      ownerSocket,
      stop: (withinMs) => stopServers(opened, withinMs),
    }
  } catch (error) {
    await stopServers(opened, 0)
    throw error
  }
}

function toUrl({ address, port }: AddressInfo): string {
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`
}
