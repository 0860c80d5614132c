/** Binds the TCP port on both loopback addresses or on none, and listens on inherited sockets. */
import { isAddressMissing } from '../../core/loopback.ts'
import { once } from 'node:events'
import { type AddressInfo, isIPv6, type Server } from 'node:net'
import { SidecarError } from '../../errors.ts'
import { platform } from '../../platform/current.ts'

/** Node would take 511, of which a restart under load has overflowed; the kernel caps it at somaxconn. */
export const BACKLOG = 4096

/** How often a free port of one family may turn out to be taken in the other one. */
const FREE_PORT_ATTEMPTS = 20

/** Where our addresses are configured, unless systemd passes sockets. */
const LISTEN = '"listen" in the config'

/**
 * Binds `host` and the loopback of the other family to one port, each on a server of its own. Where
 * another user could take the second one, `localhost` would lead some of our callers, and their
 * keys, there.
 */
export async function bindTcp(
  create: () => Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<AddressInfo> {
  for (let attempt = 1; ; attempt += 1) {
    const first = create()
    await bindPort(first, host, port)
    const address = first.address() as AddressInfo
    try {
      await bindOtherFamily(create, address)
      return address
    } catch (error) {
      const another = port === 0 && attempt < FREE_PORT_ATTEMPTS
      if (!another || causeOf(error) !== 'EADDRINUSE') throw error
      first.close()
      await once(first, 'close')
    }
  }
}

/**
 * Binds the port of `address` on the loopback of the other family; false where there is none.
 *
 * @param named where a person would change the port, for messages.
 */
export async function bindOtherFamily(
  create: () => Server,
  { address, port }: Pick<AddressInfo, 'address' | 'port'>,
  named = LISTEN,
): Promise<boolean> {
  try {
    await bindPort(create(), isIPv6(address) ? '127.0.0.1' : '::1', port, named)
    return true
  } catch (error) {
    const code = causeOf(error)
    // This machine has one family only, so no other program can take the port of the other one.
    if (isAddressMissing(code)) return false
    throw error
  }
}

function causeOf(error: unknown): string | undefined {
  return (error as { cause?: NodeJS.ErrnoException }).cause?.code
}

async function bindPort(server: Server, host: string, port: number, named = LISTEN): Promise<void> {
  try {
    server.listen({ host, port, backlog: BACKLOG })
    await once(server, 'listening')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new SidecarError(
        'failed',
        `Port ${port} of ${host} is taken: by another evo-token, yours or another user's, or by another program.`,
        {
          cause,
          hint: `\`${platform.portHolderCommand(port)}\` shows which program has it. Or let ${named} name another port.`,
        },
      )
    }
    throw new SidecarError(
      'failed',
      `Port ${port} of ${host} cannot be bound (${code ?? 'error'}).`,
      {
        cause,
        hint: `Let ${named} name a loopback address of this machine and a port of 1024 or more.`,
      },
    )
  }
}

/** Listens on a descriptor that is bound already. Node ignores a backlog that stands beside `fd` in an object. */
export function listenOnDescriptor(server: Server, fd: number): void {
  server.listen({ fd }, BACKLOG)
}
