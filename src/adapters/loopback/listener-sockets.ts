/** Binding: two loopback addresses or none, the owner's socket, and what systemd handed over. */
import { once } from 'node:events'
import { fstatSync, readFileSync } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import { type AddressInfo, connect, isIPv6, type Server } from 'node:net'
import { SidecarError } from '../../errors.ts'
import { SOCKET_PATH_MAX_BYTES } from '../state-paths.ts'

/** Node would take 511, of which a restart under load has overflowed; the kernel caps it at somaxconn. */
const BACKLOG = 4096

/** How often a free port of one family may turn out to be taken in the other one. */
const FREE_PORT_ATTEMPTS = 20

/** What names our addresses, where systemd hands over none. */
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
 * Binds the port of `address` on the loopback of the other family; false where there is none. `named`
 * is what a person would change.
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
    // This machine has one family only, and so have the others on it.
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return false
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
        { cause, hint: `${whoHolds(port)} Or let ${named} name another port.` },
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

function whoHolds(port: number): string {
  return process.platform === 'linux'
    ? `\`ss -ltnp 'sport = :${port}'\` shows who holds it.`
    : `\`lsof -nP -iTCP:${port} -sTCP:LISTEN\` shows who holds it.`
}

/** Makes the owner's socket, born with mode 0600, in a directory that was checked before. */
export async function bindOwnerSocket(
  server: Server,
  { socketPath, lockHeld }: { readonly socketPath: string; readonly lockHeld: boolean },
): Promise<void> {
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_MAX_BYTES) {
    throw new SidecarError(
      'failed',
      `The path of the owner socket is over ${SOCKET_PATH_MAX_BYTES} bytes: ${socketPath}`,
      { hint: 'Set EVO_TOKEN_RUNTIME_DIR to a shorter directory.' },
    )
  }
  await removeStaleSocket(socketPath, lockHeld)
  const before = process.umask(0o177)
  try {
    // Binds before it returns, so the mask is ours alone.
    server.listen({ path: socketPath, backlog: BACKLOG })
  } finally {
    process.umask(before)
  }
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new SidecarError('failed', `The owner socket ${socketPath} cannot be made.`, {
      cause,
      hint: 'Check that its directory is there, is yours, and has mode 0700.',
    })
  }
}

async function removeStaleSocket(path: string, lockHeld: boolean): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return
  const hint = `Look at ${path}, and remove it if nothing needs it.`
  if (!found.isSocket()) {
    throw new SidecarError('failed', `${path} is in the way: it is not a socket.`, { hint })
  }
  if (found.uid !== process.getuid?.()) {
    throw new SidecarError('failed', `${path} is in the way: it belongs to another user.`, { hint })
  }
  // Daemons with different state directories hold different locks, and may share this path.
  if (!lockHeld || (await isAnswered(path))) {
    throw new SidecarError('failed', `Another daemon listens on ${path}.`, {
      hint: 'Stop it, or give this one another EVO_TOKEN_RUNTIME_DIR.',
    })
  }
  await unlink(path)
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

/** Listens on a descriptor that is bound already. Node ignores a backlog that stands beside `fd` in an object. */
export function listenOnDescriptor(server: Server, fd: number): void {
  server.listen({ fd }, BACKLOG)
}

/** Where the Unix socket behind `fd` is bound; undefined where the system does not tell. */
export function pathOfSocket(fd: number): string | undefined {
  const inode = String(fstatSync(fd).ino)
  const line = socketTable().find((columns) => columns[6] === inode)
  return line?.[7]
}

/** proc_net(5): Num RefCount Protocol Flags Type St Inode Path. */
function socketTable(): string[][] {
  try {
    return readFileSync('/proc/self/net/unix', 'utf8')
      .split('\n')
      .map((line) => line.split(' ').filter((column) => column !== ''))
  } catch {
    // Not Linux, or /proc is hidden from us: there is nothing else to ask.
    return []
  }
}
