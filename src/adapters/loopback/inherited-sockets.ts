/** The listening sockets that systemd passes: TCP for callers, anything else is the owner's. */
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { isLoopbackAddress } from '../../core/loopback.ts'
import type { Log } from '../../core/ports.ts'
import { SidecarError } from '../../errors.ts'
import type { EndpointServer, ServedEndpoint } from './endpoint-server.ts'
import { bindOtherFamily, listenOnDescriptor } from './listener-sockets.ts'

export interface InheritedSockets {
  readonly tcp: readonly AddressInfo[]
  /** The descriptor of the owner's socket; undefined where none was passed. */
  readonly owner: number | undefined
}

/** The descriptors that systemd handed to this process (sd_listen_fds(3)). */
export function readInheritedSockets(env: NodeJS.ProcessEnv, pid: number): number[] {
  const count = env.LISTEN_PID === String(pid) ? Number(env.LISTEN_FDS) : 0
  return Number.isInteger(count) && count > 0
    ? Array.from({ length: count }, (_, at) => 3 + at)
    : []
}

/** @throws {SidecarError} `failed` where one of them can be reached from other machines. */
export async function listenOnInherited(
  descriptors: readonly number[],
  create: () => EndpointServer,
  endpoints: { readonly tcp: ServedEndpoint; readonly owner: ServedEndpoint },
): Promise<InheritedSockets> {
  const sockets = descriptors.map((descriptor) => {
    const made = create()
    const { server } = made
    listenOnDescriptor(server, descriptor)
    // Systemd does not say what a descriptor is; only a TCP socket has an address.
    const address = server.address() as AddressInfo | null
    made.serve(address ? endpoints.tcp : endpoints.owner)
    return { descriptor, server, address }
  })
  await Promise.all(sockets.map(({ server }) => once(server, 'listening')))
  const tcp = sockets.flatMap(({ address }) => address ?? [])
  for (const address of tcp) refuseOpenAddress(address)
  return { tcp, owner: sockets.find(({ address }) => address === null)?.descriptor }
}

function refuseOpenAddress(address: AddressInfo): void {
  if (isLoopbackAddress(address.address)) return
  throw new SidecarError(
    'failed',
    `The socket that systemd handed over listens on ${address.address}, which is not loopback.`,
    { hint: 'Let ListenStream= in the socket unit name 127.0.0.1 or [::1].' },
  )
}

/** Binds the loopback of the other family as well: a person's own socket unit may name only one. */
export async function bindMissingFamilies(
  create: () => Server,
  inherited: readonly AddressInfo[],
  log: Log,
): Promise<void> {
  for (const address of inherited) {
    const { port, family } = address
    if (inherited.some((other) => other.port === port && other.family !== family)) continue
    if (!(await bindOtherFamily(create, address, 'ListenStream= in the socket unit'))) continue
    log.warn(
      { port },
      `the socket unit names port ${port} of only one loopback family: a caller that uses the other one is refused while the daemon restarts`,
    )
  }
}
