/** The owner's socket: bound here or passed by systemd, and made again where its file is gone. */
import { Server as NetServer, type Server } from 'node:net'
import { platform } from '../../platform/current.ts'
import { BACKLOG } from './listener-sockets.ts'

export interface OwnerSocketOptions {
  /** A new server of the owner's door. */
  readonly create: () => Server
  /** The descriptor of the socket that systemd passed. */
  readonly inherited: number | undefined
  /** Where to bind one, if none was passed. */
  readonly path: string
  readonly lockHeld: boolean
}

export interface OwnerSocket {
  /** Where it is now; undefined for one that systemd made at a place that we cannot see. */
  readonly path: string | undefined
  /** Whether its file is gone or was replaced: no client finds us then. */
  isGone(): boolean
  /** Makes it again; open connections stay. @throws {SidecarError} `failed`. */
  remake(path: string): Promise<void>
}

/** @throws {SidecarError} `failed`. */
export async function openOwnerSocket(options: OwnerSocketOptions): Promise<OwnerSocket> {
  const { create, inherited, lockHeld } = options
  const { ownerListener } = platform
  let bound: Server | undefined
  const bind = async (socketPath: string) => {
    const server = create()
    await ownerListener.bindOwnerEndpoint(server, { socketPath, lockHeld, backlog: BACKLOG })
    bound = server
  }
  const identityOf = (at: string | undefined) =>
    at === undefined ? undefined : ownerListener.endpointIdentity(at)

  if (inherited === undefined) await bind(options.path)
  let path = inherited === undefined ? options.path : ownerListener.pathOfInherited(inherited)
  let identity = identityOf(path)
  return {
    get path() {
      return path
    },
    isGone: () => identity !== undefined && identityOf(path) !== identity,
    async remake(next) {
      // Close first: that removes the file of the socket's name, which would be the new one later.
      if (bound?.listening) NetServer.prototype.close.call(bound)
      await bind(next)
      path = next
      identity = identityOf(next)
    },
  }
}
